import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { ScheduleModule } from '@nestjs/schedule';
import { OperoExceptionFilter, OperoModule } from 'opero/nestjs';
import { Background, MessagesController } from './background.js';
import { HealthModule } from './health.controller.js';
import { LimitsController } from './limits.controller.js';
import { OrdersController, VisitsController, WeatherController } from './weather.controller.js';
import { AlpineWeather, Archive, Orders, Visit, Weather } from './weather.js';

@Module({
  imports: [OperoModule.forRoot(), EventEmitterModule.forRoot(), ScheduleModule.forRoot(), HealthModule],
  controllers: [WeatherController, OrdersController, VisitsController, LimitsController, MessagesController],
  providers: [
    { provide: Weather, useClass: AlpineWeather },
    { provide: Archive, useFactory: () => new Archive() },
    { provide: APP_FILTER, useClass: OperoExceptionFilter },
    Orders,
    Visit,
    Background,
  ],
})
export class AppModule {}
