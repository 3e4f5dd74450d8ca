/** `@rateLimit` lets so many calls start in any window of time; the others wait in order of arrival. */
import { RejectedError, rateLimit } from 'opero';

class Mail {
  readonly sent: string[] = [];

  @rateLimit({ rate: 2, per: 100 })
  async send(to: string): Promise<void> {
    this.sent.push(to);
  }

  /** Each tenant has a limiter of its own, and nobody waits: what is over the limit is turned away. */
  @rateLimit({ rate: 1, per: 60_000, maxQueue: 0, key: (tenant: string) => tenant })
  async report(tenant: string): Promise<string> {
    return `report of ${tenant}`;
  }
}

const mail = new Mail();
const began = performance.now();
const all = Promise.all(['Ann', 'Bob', 'Cem', 'Dia', 'Eve'].map((name) => mail.send(name)));
console.log('sent at once:', mail.sent.join(', '));
await all;
console.log('sent in the end:', mail.sent.join(', '));
console.log('took two windows:', performance.now() - began >= 200);

console.log(await mail.report('north'));
console.log(await mail.report('south'));
try {
  await mail.report('north');
} catch (error) {
  if (error instanceof RejectedError) console.log(`turned away by ${error.policy}: ${error.reason}`);
}
