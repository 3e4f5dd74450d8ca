import { retry, timeout } from 'opero';

export class Module {
  @retry(2)
  @timeout(1000)
  async forecast() {}
}
