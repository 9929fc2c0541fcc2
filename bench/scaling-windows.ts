/** Measuring windows with a load for each replica. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { Tally } from './load/closed-loop.ts'
import { cpuOf, memoryOf } from './measure/proc.ts'
import { failure } from './processes/failure.ts'
import { createScope } from './processes/scope.ts'
import { openLoad, type Replicas } from './scaling-stack.ts'
import type { Bench } from './variants/variant.ts'

export interface Window {
  perSecond: number
  p50: number
  /** CPU microseconds for each command; of the services, each one's for a command of all. */
  services: number[]
  postgres: number
  mosquitto: number
  devices: number
  loads: number
  /** Bytes of the write-ahead log for each command. Of the whole server: right only while nobody else writes. */
  wal: number
  /** Cores that were busy with what is none of ours. */
  othersCores: number
  /** Resident memory of the first service at the end, in bytes. */
  memory: number
}

const MICROSECONDS_PER_TICK = 10_000

/** `inFlight` for each replica; undefined: it has no subscriber either, 0: it only has a subscriber. */
export async function measureWindowOf(
  bench: Bench,
  stack: Replicas,
  inFlight: readonly (number | undefined)[],
): Promise<Window> {
  const scope = createScope()
  bench.scope.defer(scope.close)
  try {
    return await measure(bench, stack, inFlight, scope)
  } finally {
    await scope.close()
  }
}

async function measure(
  bench: Bench,
  stack: Replicas,
  inFlight: readonly (number | undefined)[],
  scope: ReturnType<typeof createScope>,
): Promise<Window> {
  await stack.tidy()
  const loads = []
  for (const [index, count] of inFlight.entries()) {
    const url = stack.services[index]?.url
    if (count === undefined || url === undefined) continue
    loads.push({ count, driver: await openLoad(scope, bench, url) })
  }
  const pids = loads.map(({ driver }) => driver.pid)
  for (const { driver, count } of loads) await driver.ask('start', count)
  await delay(bench.options.warmUp * 1000)
  const before = await readMeters(stack, pids)
  await Promise.all(loads.map(({ driver }) => driver.ask('begin')))
  await delay(bench.options.seconds * 1000)
  const tallies = await Promise.all(loads.map(({ driver }) => driver.ask<Tally>('end')))
  const after = await readMeters(stack, pids)
  await Promise.all(loads.map(({ driver }) => driver.ask('stop')))
  return windowOf(tallies, before, after, memoryOf(stack.services[0]?.pid ?? 0).now)
}

interface Meters {
  services: number[]
  postgres: number
  mosquitto: number
  devices: number
  loads: number
  wal: number
  machine: number
  at: number
}

async function readMeters(stack: Replicas, loads: readonly number[]): Promise<Meters> {
  const [row] = await stack.sql<{ wal: number }[]>`select (pg_current_wal_lsn() - '0/0')::float8 as wal`
  return {
    services: stack.services.map(({ pid }) => cpuOf(pid)),
    postgres: await stack.postgresCpu(),
    mosquitto: cpuOf(stack.mosquittoPid),
    devices: cpuOf(stack.devicesPid),
    loads: loads.reduce((sum, pid) => sum + cpuOf(pid), 0),
    wal: row?.wal ?? Number.NaN,
    machine: machineCpu(),
    at: performance.now() * 1000,
  }
}

/** CPU microseconds of all cores on whatever: user, nice, system, interrupts, stolen. */
export function machineCpu(): number {
  const [, user, nice, system, , , irq, softirq, steal] = (readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? '')
    .split(/\s+/)
    .map(Number)
  return (
    [user, nice, system, irq, softirq, steal].reduce<number>((sum, one) => sum + (one ?? 0), 0) * MICROSECONDS_PER_TICK
  )
}

function windowOf(tallies: readonly Tally[], before: Meters, after: Meters, memory: number): Window {
  const completed = tallies.reduce((sum, tally) => sum + tally.completed, 0)
  if (completed === 0 || tallies.some(({ failed }) => failed > 0))
    throw failure(`commands failed, or none was settled: ${tallies.map(({ firstFailure }) => firstFailure).join()}`)
  const each = (of: (meters: Meters) => number) => (of(after) - of(before)) / completed
  const services = after.services.map((_, index) => each((meters) => meters.services[index] ?? Number.NaN))
  const own = {
    postgres: each(({ postgres }) => postgres),
    mosquitto: each(({ mosquitto }) => mosquitto),
    devices: each(({ devices }) => devices),
    loads: each(({ loads }) => loads),
  }
  const ours = [...services, ...Object.values(own)].reduce((sum, one) => sum + one, 0) * completed
  return {
    perSecond: tallies.reduce((sum, tally) => sum + tally.completed / tally.seconds, 0),
    p50:
      tallies.reduce((sum, tally) => sum + (tally.completed > 0 ? tally.completed * tally.settled.p50 : 0), 0) /
      completed,
    services,
    ...own,
    wal: each(({ wal }) => wal),
    othersCores: (after.machine - before.machine - ours) / (after.at - before.at),
    memory,
  }
}
