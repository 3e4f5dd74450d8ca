import * as opero from 'opero';
import { concurrency, currentCall, fallback, rateLimit, retry } from 'opero';
import { queued } from 'opero/bullmq';

/** The Redis of the tests, once it is there. */
export const redisPort: { port: number } = { port: Number(process.env.REDIS_PORT ?? 0) };
export const connection = () => ({ host: '127.0.0.1', port: redisPort.port });

export class CrmError extends Error {
  constructor(
    message: string,
    readonly tenant: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Nobody lists it. */
export class PaleCrmError extends CrmError {}

/** What a method tells of what it does, in whatever process it runs. */
export type Told = (what: string, jobId: string) => void;

const crm = { name: 'crm', connection, errors: [CrmError] } as const;

export class Crm {
  constructor(
    readonly db = 'none',
    readonly told: Told = () => {},
    readonly until: Promise<unknown> = Promise.resolve(),
  ) {}

  @queued(crm)
  async echo(value: unknown): Promise<unknown> {
    return value;
  }

  @queued(crm)
  async where(): Promise<readonly unknown[]> {
    const { attempt, jobId, signal } = currentCall();
    return [this.db, process.pid, attempt, jobId, signal !== undefined];
  }

  @queued(crm)
  async fail(tenant: string): Promise<never> {
    throw new CrmError('no such tenant', tenant, { cause: new RangeError('out of range') });
  }

  @queued(crm)
  async failPalely(tenant: string): Promise<never> {
    throw new PaleCrmError('no such tenant', tenant);
  }

  /** With an error of opero's, of the class of that name. */
  @queued(crm)
  async failAs(name: string): Promise<never> {
    const type = Reflect.get(opero, name) as { readonly prototype: object };
    throw Object.setPrototypeOf(new Error(name), type.prototype);
  }

  @queued(crm)
  async throwAnything(): Promise<never> {
    throw { code: 7 };
  }

  @retry({ maxAttempts: 3, waitMin: 0, jitter: 'none', retryOn: CrmError })
  @fallback('cached')
  @queued(crm)
  async flaky(tenant: string): Promise<string> {
    const { attempt, error, jobId } = currentCall();
    this.told(`attempt ${attempt} after ${error instanceof CrmError}`, jobId ?? '');
    if (attempt < 3) throw new CrmError('busy', tenant);
    return `${tenant} at attempt ${attempt}`;
  }

  async cached(tenant: string): Promise<string> {
    return `${tenant} of yesterday`;
  }

  /** Ends with its signal, and not before. */
  @queued(crm)
  async hang(name: string, _options?: { signal?: AbortSignal }): Promise<never> {
    const { signal, jobId = '' } = currentCall();
    this.told(`entered ${name}`, jobId);
    return await new Promise((_, reject) => {
      signal?.addEventListener('abort', () => {
        this.told(`aborted ${name}: ${String(signal.reason)}`, jobId);
        reject(signal.reason);
      });
    });
  }

  /** Ends when the process that runs it says so. */
  @queued(crm)
  async hold(name: string): Promise<string> {
    const { jobId = '' } = currentCall();
    this.told(`entered ${name}`, jobId);
    await this.until;
    this.told(`left ${name}`, jobId);
    return `${name} by ${this.db}`;
  }

  /** Keeps its process busy, so that it renews no lock. */
  @queued(crm)
  async count(name: string): Promise<string> {
    return `${name} by ${this.db}`;
  }

  @concurrency(1)
  @queued({ ...crm, maxWait: 300 })
  async soon(name: string): Promise<string> {
    const { jobId = '' } = currentCall();
    this.told(`entered ${name}`, jobId);
    await this.until;
    return name;
  }

  @queued({ ...crm, maxBytes: 100 })
  async small(_value: unknown, size = 0): Promise<string> {
    return 'x'.repeat(size);
  }

  /** Calls another method of its queue, one of another kind, and itself. */
  @queued(crm)
  async nest(depth: number): Promise<readonly unknown[]> {
    const { jobId } = currentCall();
    if (depth === 0) return [jobId, await this.limited()];
    return [jobId, ...(await this.nest(depth - 1))];
  }

  @rateLimit({ rate: 1, maxWait: 0 })
  async limited(): Promise<string> {
    return 'limited';
  }

  @queued(crm)
  static async total(first: number, second: number): Promise<number> {
    return first + second;
  }

  async plain(): Promise<string> {
    return 'never by a job';
  }
}
