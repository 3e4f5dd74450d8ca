import { Injectable, Scope } from '@nestjs/common';
import { circuitBreaker, fallback, retry } from 'opero';

@Injectable()
export class Weather {
  /** So many of the next attempts fail. */
  failures = 0;

  @retry({ maxAttempts: 3, waitMin: 0 })
  @fallback('cached')
  async forecast(city: string): Promise<string> {
    if (this.failures-- > 0) throw new Error('no answer');
    return `sun in ${city}`;
  }

  async cached(city: string): Promise<string> {
    return `${city}: nothing known`;
  }

  @circuitBreaker({ consecutive: 1, halfOpenAfter: 90_000 })
  async tides(harbour: string): Promise<string> {
    if (this.failures-- > 0) throw new Error('no answer');
    return `high in ${harbour}`;
  }
}

/** Its override has no decorator, so nothing but the module links it. */
@Injectable()
export class AlpineWeather extends Weather {
  override async forecast(city: string): Promise<string> {
    if (this.failures-- > 0) throw new Error('no answer');
    return `snow in ${city}`;
  }
}

/** Policies of a whole class, which reach what extends it. */
@retry({ maxAttempts: 2, waitMin: 0 })
export class Repository {
  attempts = 0;

  async load(id: number): Promise<string> {
    if (++this.attempts === 1) throw new Error('no answer');
    return `item ${id} at attempt ${this.attempts}`;
  }
}

@Injectable()
export class Orders extends Repository {
  async find(id: number): Promise<string> {
    if (++this.attempts === 1) throw new Error('no answer');
    return `order ${id} at attempt ${this.attempts}`;
  }
}

/** A new one for each request. */
@Injectable({ scope: Scope.REQUEST })
export class Visit {
  static made = 0;
  readonly number = ++Visit.made;
  attempts = 0;

  @retry({ maxAttempts: 2, waitMin: 0 })
  async describe(): Promise<string> {
    if (++this.attempts === 1) throw new Error('no answer');
    return `visit ${this.number}, attempt ${this.attempts}`;
  }
}

/** What a factory makes; nothing tells of its class before. */
export class Archive extends Weather {
  override async forecast(city: string): Promise<string> {
    if (this.failures-- > 0) throw new Error('no answer');
    return `once sun in ${city}`;
  }
}
