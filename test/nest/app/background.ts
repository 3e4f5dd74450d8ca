import { Controller, Injectable } from '@nestjs/common';
import { OnEvent } from '@nestjs/event-emitter';
import { EventPattern, MessagePattern, Payload } from '@nestjs/microservices';
import { Cron } from '@nestjs/schedule';
import { rateLimit, retry } from 'opero';
import { Gate } from './gate.js';

/** Work that nobody waits for. Every first attempt fails. */
@Injectable()
export class Background {
  readonly done: string[] = [];
  /** Called when something is done. */
  onDone: (what: string) => void = () => {};
  /** Holds what runs for `order.held`. */
  readonly gate = new Gate();
  private attempts = 0;

  private second(what: string): void {
    if (++this.attempts % 2 === 1) throw new Error(`no answer for ${what}`);
    this.done.push(what);
    this.onDone(what);
  }

  @Cron('0 0 1 1 *', { name: 'above' })
  @retry({ maxAttempts: 2, waitMin: 0 })
  async cronAbove(): Promise<void> {
    this.second('cron above');
  }

  @retry({ maxAttempts: 2, waitMin: 0 })
  @Cron('0 0 1 1 *', { name: 'below' })
  async cronBelow(): Promise<void> {
    this.second('cron below');
  }

  @OnEvent('order.above')
  @retry({ maxAttempts: 2, waitMin: 0 })
  async eventAbove(id: number): Promise<void> {
    this.second(`order ${id}`);
  }

  @retry({ maxAttempts: 2, waitMin: 0 })
  @OnEvent('order.below')
  async eventBelow(id: number): Promise<void> {
    this.second(`order ${id}`);
  }

  @OnEvent('order.held')
  @retry({ maxAttempts: 2, waitMin: 0 })
  async eventHeld(id: number): Promise<void> {
    await this.gate.pass();
    this.onDone(`held order ${id}`);
  }
}

@Controller()
export class MessagesController {
  private attempts = 0;

  @MessagePattern('sum')
  @retry({ maxAttempts: 2, waitMin: 0 })
  async sum(@Payload() numbers: number[]): Promise<number> {
    if (++this.attempts % 2 === 1) throw new Error('no answer');
    return numbers.reduce((total, each) => total + each, 0);
  }

  @retry({ maxAttempts: 2, waitMin: 0 })
  @MessagePattern('product')
  async product(@Payload('numbers') numbers: number[]): Promise<number> {
    if (++this.attempts % 2 === 1) throw new Error('no answer');
    return numbers.reduce((total, each) => total * each, 1);
  }

  @MessagePattern('limited')
  @rateLimit({ rate: 1, per: 90_000, maxQueue: 0 })
  async limited(): Promise<string> {
    return 'passed';
  }

  @EventPattern('noted')
  @retry({ maxAttempts: 2, waitMin: 0 })
  async noted(@Payload() what: string): Promise<void> {
    if (++this.attempts % 2 === 1) throw new Error('no answer');
    MessagesController.onNoted(what);
  }

  static onNoted: (what: string) => void = () => {};
}
