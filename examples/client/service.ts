/** A service on top of that client: `GET /temperature/46.8/9.84` for the tenant in `x-tenant`, and `GET /metrics`. */
import { createServer, STATUS_CODES } from 'node:http';
import { configureFrom, drain, httpStatusOf, type LogLine, logTo } from 'opero';
import { metricsText } from 'opero/prometheus';
import { Weather } from './weather.js';

const { API = 'https://api.open-meteo.com', PORT = '8080', POLICIES = '{}' } = process.env;
const log = (line: object): void => console.error(JSON.stringify(line));
const stopLogs = logTo({ warn: (line: LogLine, text) => log({ level: 'warn', text, ...line, err: `${line.err}` }) });
configureFrom(JSON.parse(POLICIES)); // as `{"Weather.temperature":{"retry":2}}`
const weather = new Weather(API);

const server = createServer(async ({ url = '/', headers }, response) => {
  const reply = (status: number, body = STATUS_CODES[status]): void => {
    if (!server.listening) response.setHeader('connection', 'close'); // else who keeps it open holds the end up
    response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }).end(body);
  };
  const [, page, lat, lon] = url.split('/');
  if (page === 'metrics') return reply(200, metricsText());
  if (page !== 'temperature') return reply(404);
  const leaving = new AbortController();
  response.once('close', () => leaving.abort()); // nothing is done for one who has left
  try {
    const degrees = await weather.temperature(`${headers['x-tenant']}`, Number(lat), Number(lon), leaving.signal);
    reply(200, `${degrees}`);
  } catch (error) {
    const isTheirs = (error as { status?: unknown }).status === 400; // there is no such place
    reply(isTheirs ? 400 : (httpStatusOf(error) ?? 502)); // 429, 503 and 504 are for errors of opero
  }
}).listen(PORT, () => log({ level: 'info', text: 'listening', address: server.address() }));

process.once('SIGTERM', async () => {
  server.close(); // takes no more connections, and answers those under way
  log({ level: 'info', text: 'stopping' });
  log({ level: 'info', text: 'ending', left: await drain({ timeout: 10_000 }) });
  stopLogs();
  setTimeout(() => server.closeAllConnections(), 1_000).unref(); // of those who still send, or read
});
