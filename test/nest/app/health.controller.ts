import { Controller, Get, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { OperoHealthIndicator } from 'opero/nestjs';

@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly opero: OperoHealthIndicator,
  ) {}

  @Get()
  @HealthCheck()
  check() {
    return this.health.check([() => this.opero.isHealthy('opero')]);
  }

  @Get('listed')
  @HealthCheck()
  listed() {
    return this.health.check([async () => this.opero.isHealthy('opero', { openCircuits: 'up' })]);
  }
}

/** It imports nothing of opero's. */
@Module({ imports: [TerminusModule], controllers: [HealthController] })
export class HealthModule {}
