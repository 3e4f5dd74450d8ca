// Runs the program in vite's dev server, as an application that renders on the server does.
import { createServer } from 'vite';

const server = await createServer({
  server: { middlewareMode: true, ws: false },
  appType: 'custom',
  logLevel: 'error',
});
try {
  const { failure } = await server.ssrLoadModule('/main.ts');
  server.ssrFixStacktrace(failure);
  console.log(failure.stack);
} finally {
  await server.close();
}
