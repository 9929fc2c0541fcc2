/** One measuring window: warm up, count, and see what each process spent on it. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Tally } from '../load/closed-loop.ts'
import { failure } from '../processes/failure.ts'
import { createScope, type Scope } from '../processes/scope.ts'
import { ROLES, type Role, type Subject } from '../variants/variant.ts'
import { cpuOf, forgetPeak, memoryOf } from './proc.ts'
import type { Quantiles } from './quantiles.ts'

export interface Figures {
  /** Commands that were settled within the window. */
  completed: number
  perSecond: number
  /** Milliseconds from the mutation to its answer, and until the subscriber saw it settled. */
  answered: Quantiles
  settled: Quantiles
  /** CPU microseconds for each command. */
  cpu: Partial<Record<Role, number>>
  /** Greatest resident memory of the subject, in bytes. */
  peakMemory: number
}

export interface WindowOptions {
  inFlight: number
  warmUp: number
  seconds: number
}

/** More failures than this share, and the figures are worth nothing. */
const TOLERATED_FAILURES = 0.001

export async function measureWindow(runScope: Scope, subject: Subject, options: WindowOptions): Promise<Figures> {
  const scope = createScope()
  runScope.defer(scope.close)
  try {
    return await measure(scope, subject, options)
  } finally {
    await scope.close()
  }
}

async function measure(scope: Scope, subject: Subject, { inFlight, warmUp, seconds }: WindowOptions): Promise<Figures> {
  await subject.tidy()
  const driver = await subject.openDriver(scope)
  const load = driver.pid === subject.pid ? {} : { load: () => cpuOf(driver.pid) }
  const meters = { ...subject.cpu, ...load }
  await driver.ask('start', inFlight)
  await delay(warmUp * 1000)
  forgetPeak(subject.pid)
  const before = readAll(meters)
  await driver.ask('begin')
  await delay(seconds * 1000)
  const tally = await driver.ask<Tally>('end')
  const after = readAll(meters)
  await driver.ask('stop')
  checkTally(tally)
  const cpu: Figures['cpu'] = {}
  for (const role of ROLES) {
    const spent = (after[role] ?? Number.NaN) - (before[role] ?? Number.NaN)
    if (!Number.isNaN(spent)) cpu[role] = spent / tally.completed
  }
  const { answered, settled, completed } = tally
  return {
    completed,
    perSecond: completed / tally.seconds,
    answered,
    settled,
    cpu,
    peakMemory: memoryOf(subject.pid).peak,
  }
}

type Meters = Subject['cpu']

function readAll(meters: Meters): Partial<Record<Role, number>> {
  return Object.fromEntries(Object.entries(meters).map(([role, read]) => [role, read()]))
}

function checkTally({ completed, failed, firstFailure, seconds }: Tally): void {
  if (failed > completed * TOLERATED_FAILURES)
    throw failure(`${failed} commands failed, ${completed} did not: ${firstFailure}`)
  if (completed === 0) throw failure(`nothing was settled within ${seconds.toFixed(1)} s`)
}
