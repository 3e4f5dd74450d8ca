// Runs what came of a build.
const { failure } = await import('./dist/main.js');
console.log(failure.stack);
