import { type ArgumentsHost, Logger } from '@nestjs/common';

/** What is used of `@nestjs/websockets`. */
interface Websockets {
  readonly BaseWsExceptionFilter: new () => { catch(error: unknown, host: ArgumentsHost): unknown };
}

/** A name that no compiler looks up: the package is there where a gateway runs, and nowhere else. */
const name: string = '@nestjs/websockets';

/** Has a gateway do with an error what it does without filters: what a filter throws there would end the program. */
export function leaveToGateway(error: unknown, host: ArgumentsHost): void {
  import(name)
    .then(({ BaseWsExceptionFilter }: Websockets) => new BaseWsExceptionFilter().catch(error, host))
    .catch(() => new Logger('OperoExceptionFilter').error(error));
}
