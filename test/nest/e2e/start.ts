import 'reflect-metadata';
import type { INestApplication, ModuleMetadata } from '@nestjs/common';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';

/** Both adapters of Nest, each made anew. */
export const adapters = {
  Express: () => new ExpressAdapter(),
  Fastify: () => new FastifyAdapter(),
} as const;

/** A program of these modules and classes, without what it prints. */
export const builderOf = (metadata: ModuleMetadata): TestingModuleBuilder =>
  Test.createTestingModule(metadata).setLogger(false as never);

/** Starts a program. */
export async function start(
  builder: TestingModuleBuilder,
  adapter: keyof typeof adapters = 'Express',
  prepare: (app: INestApplication) => void = () => {},
): Promise<INestApplication> {
  const module = await builder.compile();
  const app: INestApplication = module.createNestApplication(adapters[adapter]());
  prepare(app);
  await app.init();
  if (adapter === 'Fastify') await (app as NestFastifyApplication).getHttpAdapter().getInstance().ready();
  return app;
}
