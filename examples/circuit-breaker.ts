/** `@circuitBreaker` stops calling a method that keeps failing, and finds out by probes when it works again. */
import { setTimeout as sleep } from 'node:timers/promises';
import { CircuitOpenError, circuitBreaker, circuitOf, fallback, statsOf } from 'opero';

class Station {
  isDown = true;

  @fallback('yesterday')
  @circuitBreaker({
    consecutive: 3,
    halfOpenAfter: 100,
    onStateChange: ({ from, to, error }) =>
      console.log(`${from} -> ${to}`, error instanceof Error ? error.message : ''),
  })
  async temperature(): Promise<string> {
    if (this.isDown) throw new Error('no answer');
    return '4°';
  }

  async yesterday(): Promise<string> {
    return '5° yesterday';
  }

  @circuitBreaker({ failureRatio: 0.5, window: 60_000, minCalls: 10 })
  async wind(): Promise<string> {
    return '3 m/s';
  }
}

const station = new Station();
for (let i = 0; i < 5; i++) await station.temperature();
console.log('asked', statsOf(Station, 'temperature').attempts, 'times of 5');

station.isDown = false;
await sleep(110);
console.log(await station.temperature());

// By hand, as while the wind gauge is being repaired.
{
  using _repair = circuitOf(Station, 'wind').isolate();
  await station.wind().catch((error) => console.log(error instanceof CircuitOpenError && error.reason));
}
console.log(await station.wind());
