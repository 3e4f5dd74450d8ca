import { retry } from 'opero';

export class Scripted {
  @retry(2)
  async forecast() {}
}
