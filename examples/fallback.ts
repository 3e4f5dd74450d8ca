/** `@fallback` tries other methods and functions, in order, when a method fails. */
import { AllFailedError, currentCall, fallback } from 'opero';

class Prices {
  readonly #cache = new Map([['tea', 4]]);

  /** Names are checked against the class, signatures against the method. */
  @fallback('cached', (article: string) => (article === 'cake' ? 6 : Promise.reject(new Error('no default price'))))
  async price(article: string): Promise<number> {
    throw new Error(`the shop is closed: no ${article}`);
  }

  cached(article: string): number {
    const { error } = currentCall();
    console.log(`cached() stands in: ${(error as Error).message}`);
    const price = this.#cache.get(article);
    if (price === undefined) throw new Error(`${article} is not cached`);
    return price;
  }

  /** A constant as the last resort, for network trouble alone. */
  @fallback({ value: 0, on: TypeError })
  async stock(article: string): Promise<number> {
    if (article === '') throw new RangeError('no article given');
    throw new TypeError('fetch failed');
  }
}

const prices = new Prices();
console.log('tea:', await prices.price('tea'));
console.log('cake:', await prices.price('cake'));
try {
  await prices.price('pie');
} catch (error) {
  const said = (each: unknown): string => (each as Error).message;
  if (error instanceof AllFailedError) console.log('pie:', error.errors.map(said).join('; '));
}
console.log('stock of tea:', await prices.stock('tea'));
await prices.stock('').catch((error: Error) => console.log(`passed through: ${error.message}`));
