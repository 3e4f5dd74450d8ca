import { retry } from 'opero';

/** Lines that are gone once it is compiled. */
export interface Answer {
  readonly city: string;
}

export class Weather {
  @retry({ maxAttempts: 2, waitMin: 0 })
  async forecast(city: string): Promise<Answer> {
    throw new Error(`no answer for ${city}`);
  }
}
