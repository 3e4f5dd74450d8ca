import {
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  Header,
  HttpCode,
  Injectable,
  type NestInterceptor,
  Param,
  ParseIntPipe,
  Post,
  Query,
  UnauthorizedException,
  UseGuards,
  UseInterceptors,
} from '@nestjs/common';
import { concurrency, retry } from 'opero';
import { map, type Observable } from 'rxjs';
import { Archive, Orders, Visit, Weather } from './weather.js';

@Injectable()
export class KeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.switchToHttp().getRequest().headers['x-key'] === 'open') return true;
    throw new UnauthorizedException();
  }
}

@Injectable()
export class Wrapping implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): Observable<object> {
    return next.handle().pipe(map((value) => ({ value })));
  }
}

@Controller('weather')
export class WeatherController {
  private attempts = 0;

  constructor(
    private readonly weather: Weather,
    private readonly archive: Archive,
  ) {}

  @Get('above/:day')
  @UseGuards(KeyGuard)
  @UseInterceptors(Wrapping)
  @Header('x-kind', 'forecast')
  @retry({ maxAttempts: 2, waitMin: 0 })
  async above(@Param('day', ParseIntPipe) day: number, @Query('city') city: string): Promise<string> {
    return this.second(day, city);
  }

  @retry({ maxAttempts: 2, waitMin: 0 })
  @concurrency(5)
  @Header('x-kind', 'forecast')
  @UseInterceptors(Wrapping)
  @UseGuards(KeyGuard)
  @Get('below/:day')
  async below(@Param('day', ParseIntPipe) day: number, @Query('city') city: string): Promise<string> {
    return this.second(day, city);
  }

  /** Fails at every first attempt. */
  private async second(day: number, city: string): Promise<string> {
    if (++this.attempts % 2 === 1) throw new Error('no answer');
    return `${await this.weather.forecast(city)} on day ${day}`;
  }

  @Post('between')
  @retry({ maxAttempts: 2, waitMin: 0 })
  @HttpCode(202)
  async between(): Promise<string> {
    if (++this.attempts % 2 === 1) throw new Error('no answer');
    return 'accepted';
  }

  @Get('archive')
  async past(): Promise<string> {
    return this.archive.forecast('Chur');
  }
}

/** Its route is an override without a decorator of opero. */
export abstract class ListController {
  protected attempts = 0;

  @retry({ maxAttempts: 2, waitMin: 0 })
  async list(_kind: string): Promise<string> {
    throw new Error('nothing here');
  }
}

@Controller('orders')
export class OrdersController extends ListController {
  constructor(private readonly orders: Orders) {
    super();
  }

  @Get('list/:kind')
  override async list(@Param('kind') kind: string): Promise<string> {
    if (++this.attempts === 1) throw new Error('no answer');
    return `${kind} at attempt ${this.attempts}`;
  }

  @Get(':id')
  async find(@Param('id', ParseIntPipe) id: number): Promise<string> {
    return this.orders.find(id);
  }
}

@Controller('visits')
export class VisitsController {
  private attempts = 0;

  constructor(private readonly visit: Visit) {}

  @retry({ maxAttempts: 2, waitMin: 0 })
  @Get()
  async show(): Promise<string> {
    if (++this.attempts === 1) throw new Error('no answer');
    return `${await this.visit.describe()}, ${this.attempts} of the route`;
  }
}
