/** What subscribers cost the service: those that an event is not for, those that it is for, and the memory of each. */
import { setTimeout as delay } from 'node:timers/promises'
import { thingName } from '../fleet.ts'
import { memoryOf } from '../measure/proc.ts'
import { median } from '../measure/quantiles.ts'
import type { Report } from '../measure/rounds.ts'
import { measureWindow } from '../measure/window.ts'
import { type Child, startChild } from '../processes/child.ts'
import { failure } from '../processes/failure.ts'
import { createScope } from '../processes/scope.ts'
import { openServices, type Stack } from '../variants/service.ts'
import { startLoad } from '../variants/stack.ts'
import type { Bench, Subject } from '../variants/variant.ts'
import type { CrowdSettings, Joining } from './crowd.ts'
import { collectGarbage } from './garbage.ts'

export interface SubscriberFigures {
  /** CPU microseconds of the service for a command that one subscriber follows, among so many others. */
  amongFew: number
  amongMany: number
  /** Bytes of resident memory. */
  socket: number
  furtherSubscription: number
  /** CPU microseconds of the service for a command that every one of the audience follows. */
  audience: number
}

export const FEW = 1_000
export const MANY = 10_000
export const AUDIENCE = 1_000
const MEMORY_SOCKETS = 4_000
const FURTHER_SUBSCRIPTIONS = 10_000
const SOCKETS = 10
const IN_FLIGHT = 16
const SETTLING_MS = 3_000

const CROWD = new URL('./crowd.js', import.meta.url)

interface Hall {
  bench: Bench
  service: Stack
  crowd: Child<unknown>
}

export async function measureSubscribers(bench: Bench, report: Report): Promise<SubscriberFigures> {
  report('subscribers: events among those who follow other things')
  const among = await inHall(bench, measureAmong)
  report(`subscribers: one event to ${AUDIENCE}`)
  const audience = await inHall(bench, measureAudience)
  report('subscribers: memory')
  const socket = await inHall(bench, (hall) => growth(hall, { sockets: MEMORY_SOCKETS, subscriptionsEach: 1 }), true)
  const furtherSubscription = await inHall(
    bench,
    async (hall) => {
      await join(hall, { sockets: SOCKETS, subscriptionsEach: 1 })
      return growth(hall, { subscriptionsEach: FURTHER_SUBSCRIPTIONS / SOCKETS })
    },
    true,
  )
  return {
    ...among,
    audience,
    socket: socket / MEMORY_SOCKETS,
    furtherSubscription: furtherSubscription / FURTHER_SUBSCRIPTIONS,
  }
}

/** Each measurement has a service of its own: memory that another one left free would be used again. */
async function inHall<T>(bench: Bench, measure: (hall: Hall) => Promise<T>, inspected = false): Promise<T> {
  const scope = createScope()
  bench.scope.defer(scope.close)
  try {
    const own = { scope, options: { ...bench.options, things: 1 } }
    const service = await openServices(own, inspected)
    const crowd = await startChild(scope, CROWD, { url: service.url } satisfies CrowdSettings)
    return await measure({ bench: own, service, crowd })
  } finally {
    await scope.close()
  }
}

/** In turns, because a service that has run for longer is a faster one. */
async function measureAmong(hall: Hall): Promise<Pick<SubscriberFigures, 'amongFew' | 'amongMany'>> {
  const few: number[] = []
  const many: number[] = []
  await costOfEvents(hall, IN_FLIGHT)
  for (let round = 0; round < hall.bench.options.rounds; round++)
    for (const [subscriptions, measured] of [[FEW, few] as const, [MANY, many] as const]) {
      await join(hall, { sockets: SOCKETS, subscriptionsEach: subscriptions / SOCKETS })
      measured.push((await costOfEvents(hall, IN_FLIGHT)).subject)
      await hall.crowd.ask('leave')
    }
  return { amongFew: median(few), amongMany: median(many) }
}

async function measureAudience(hall: Hall): Promise<number> {
  await join(hall, { sockets: AUDIENCE, subscriptionsEach: 1, thing: thingName(0) })
  const cpu: number[] = []
  for (let round = 0; round < hall.bench.options.rounds; round++) {
    const { subject, completed } = await costOfEvents(hall, 1)
    await delay(SETTLING_MS)
    const received = await hall.crowd.ask<number>('takeReceived')
    if (received < completed * AUDIENCE) throw failure(`${received} events came of ${completed} for ${AUDIENCE} each`)
    cpu.push(subject)
  }
  return median(cpu)
}

/** Of a command to the one thing: its sending and settling, and the event to whoever follows it. */
async function costOfEvents({ bench, service }: Hall, inFlight: number) {
  const { warmUp, seconds } = bench.options
  const subject: Subject = {
    ...service,
    openDriver: (scope) => startLoad(scope, bench, { url: service.url, things: 1, followsThing: true }),
  }
  const { cpu, completed } = await measureWindow(bench.scope, subject, { inFlight, warmUp, seconds })
  return { subject: cpu.subject ?? Number.NaN, completed }
}

async function join({ crowd }: Hall, joining: Joining): Promise<void> {
  await crowd.ask('join', joining)
  await delay(SETTLING_MS)
}

/** Bytes that the service grew by. What it needs for the first of everything is there before. */
async function growth(hall: Hall, joining: Joining): Promise<number> {
  await costOfEvents(hall, IN_FLIGHT)
  const before = await memoryHeld(hall)
  await join(hall, joining)
  return (await memoryHeld(hall)) - before
}

/** Garbage does not count: left alone, a service that is idle keeps it for as long as there is room. */
async function memoryHeld({ service: { pid, inspectorUrl } }: Hall): Promise<number> {
  if (inspectorUrl === undefined) throw new Error('the service was started without an inspector')
  await collectGarbage(inspectorUrl)
  return memoryOf(pid).now
}
