import { retry } from 'opero';

export class Shop {
  @retry(2)
  async buy(): Promise<number> {
    return 1;
  }
}
