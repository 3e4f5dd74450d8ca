import { Controller, Get, NotFoundException } from '@nestjs/common';
import { concurrency, fallback, rateLimit, retry, timeout } from 'opero';
import { Gate } from './gate.js';
import { Weather } from './weather.js';

/** Routes that turn callers away. */
@Controller('limits')
export class LimitsController {
  /** Holds what runs in `/limits/slot`. */
  readonly gate = new Gate();

  constructor(private readonly weather: Weather) {}

  @Get('rate')
  @rateLimit({ rate: 1, per: 90_000, maxQueue: 0 })
  async rate(): Promise<string> {
    return 'passed';
  }

  @Get('slot')
  @concurrency({ limit: 1, maxQueue: 0 })
  async slot(): Promise<string> {
    await this.gate.pass();
    return 'passed';
  }

  @Get('tides')
  async tides(): Promise<string> {
    return this.weather.tides('Brest');
  }

  @Get('late')
  @timeout(1)
  async late(): Promise<never> {
    return new Promise(() => {});
  }

  @Get('again')
  @retry({ maxAttempts: 2, waitMin: 0, rethrow: false })
  async again(): Promise<string> {
    return this.weather.tides('Brest');
  }

  @Get('nowhere')
  @fallback(async () => {
    throw new Error('nor there');
  })
  async nowhere(): Promise<string> {
    return this.weather.tides('Brest');
  }

  @Get('missing')
  @retry({ maxAttempts: 2, waitMin: 0 })
  async missing(): Promise<never> {
    throw new NotFoundException('no such harbour');
  }

  @Get('broken')
  @retry({ maxAttempts: 2, waitMin: 0, rethrow: false })
  async broken(): Promise<never> {
    throw new Error('a secret of the house');
  }
}
