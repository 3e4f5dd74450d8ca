/** A subclass inherits the policies of its base, also for the methods that it overrides. */
import { concurrency, orchestrate, policiesOf, retry } from 'opero';

class Station {
  failures = 1;

  @retry({ maxAttempts: 3, waitMin: 5 })
  @concurrency(4)
  async read(place: string): Promise<string> {
    if (this.failures-- > 0) throw new Error('no answer');
    return `4° in ${place}`;
  }
}

/** No decorator needed: the override is retried, and `super.read()` is not retried once more within it. */
class AlpineStation extends Station {
  override async read(place: string): Promise<string> {
    return `${await super.read(place)}, 1560 m`;
  }
}

/** Replaces `retry`, whole; `concurrency` stays inherited. */
class PatientStation extends Station {
  @retry({ maxAttempts: 9, waitMin: 5 })
  override async read(place: string): Promise<string> {
    return super.read(place);
  }
}

/** Takes nothing from the base. */
class PlainStation extends Station {
  @orchestrate({ inherit: false })
  override async read(place: string): Promise<string> {
    return super.read(place);
  }
}

console.log(await new AlpineStation().read('Davos'));
await new PlainStation().read('Davos').catch((error: Error) => console.log(`plain: ${error.message}`));
for (const type of [AlpineStation, PatientStation, PlainStation]) {
  const policies = policiesOf(type, 'read').map(({ kind, declaredBy }) => `${kind} from ${declaredBy?.name}`);
  console.log(`${type.name}: ${policies.join(', ') || 'none'}`);
}
