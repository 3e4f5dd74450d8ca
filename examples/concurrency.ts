/** `@concurrency` lets so many calls run at once; the others wait in order of arrival. */
import { setTimeout as sleep } from 'node:timers/promises';
import { concurrency, RejectedError, statsOf } from 'opero';

class Kitchen {
  #cooking = 0;
  most = 0;

  @concurrency({ limit: 2, maxQueue: 3 })
  async cook(dish: string): Promise<string> {
    this.most = Math.max(this.most, ++this.#cooking);
    await sleep(10);
    this.#cooking--;
    return dish;
  }
}

const kitchen = new Kitchen();
const orders = ['soup', 'rice', 'fish', 'beans', 'cake', 'tea'].map((dish) => kitchen.cook(dish));
const { running, queued, rejected } = statsOf(kitchen, 'cook');
console.log(`running ${running}, queued ${queued}, rejected ${rejected}`);

for (const order of await Promise.allSettled(orders)) {
  if (order.status === 'fulfilled') console.log('served', order.value);
  else if (order.reason instanceof RejectedError) console.log('turned away:', order.reason.reason);
}
console.log('most at once:', kitchen.most);
