import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { openWhenClosing } from './gate.js';
import { LimitsController } from './limits.controller.js';

/** Tells when a request is held, and lets it go on once the server takes no others. */
async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  await app.listen(0, '127.0.0.1');
  const { gate } = app.get(LimitsController);
  openWhenClosing(app, gate);
  gate.reached().then(() => console.log('a request is held'));
  console.log(await app.getUrl());
}

bootstrap();
