/** Callers at a steady rate, whatever the service does: each intent is tried again with its key until it is acknowledged. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Journal } from '../journal.ts'
import type { Random } from '../random.ts'
import type { Replica } from '../world/replica.ts'
import type { Delivery, Intent, Send } from './send.ts'

export interface CallersOptions {
  things: readonly string[]
  replicas: readonly [Replica, ...Replica[]]
  journal: Journal
  random: Random
  send: Send
  /** Commands a second. */
  rate: number
  ttl: number
  /** No more than that many. */
  count?: number
  delivery?: Delivery | undefined
  /** The share of acknowledged intents that are sent once more, as if the answer had been lost. */
  repeat?: number
}

export interface Callers {
  /** How many intents so far. */
  started(): number
  /** Resolves once `count` have been started, or never. */
  allStarted: Promise<void>
  /** Starts no more, and waits for those under way. */
  stop(): Promise<void>
  /** Nobody tries again: for the end of a run that is given up. */
  abort(): Promise<void>
}

const TICK_MS = 10
/** Beyond it nothing is started: a bounded harness, which says so by its rate. */
const MAX_UNDER_WAY = 3000
const RETRY_MS: [number, number] = [50, 300]

export function startCallers(options: CallersOptions): Callers {
  const { rate, count = Number.POSITIVE_INFINITY, things, ttl, delivery, random } = options
  const underWay = new Set<Promise<void>>()
  const run = random.between(0, 2 ** 31).toString(36)
  let started = 0
  let due = 0
  let last = performance.now()
  const giveUp = new AbortController()
  let finish = () => {}
  const allStarted = new Promise<void>((resolve) => {
    finish = resolve
  })
  const timer = setInterval(tick, TICK_MS)

  function tick(): void {
    const now = performance.now()
    due = Math.min(due + ((now - last) / 1000) * rate, rate)
    last = now
    for (; due >= 1 && started < count && underWay.size < MAX_UNDER_WAY; due--) {
      const intent: Intent = {
        key: `${run}-${process.pid}-${started}`,
        thingId: things[started % things.length] ?? '',
        ttl,
        ...(delivery && { delivery }),
      }
      started += 1
      const trying = callUntilAcknowledged(options, intent, giveUp.signal).finally(() => underWay.delete(trying))
      underWay.add(trying)
    }
    if (started >= count) finish()
  }

  async function stop(): Promise<void> {
    clearInterval(timer)
    await Promise.all(underWay)
  }

  return {
    started: () => started,
    allStarted,
    stop,
    abort() {
      giveUp.abort()
      return stop()
    },
  }
}

/** As a careful caller does it: the same key until there is an answer, at whichever replica is there. */
async function callUntilAcknowledged(options: CallersOptions, intent: Intent, signal: AbortSignal): Promise<void> {
  const { replicas, journal, random, send, repeat = 0.02 } = options
  const giveUpAt = Date.now() + intent.ttl * 1000
  let problem = 'not tried'
  let again = true
  while (again) {
    const replica = random.pick(replicas)
    const startedAt = Date.now()
    const sent = await send(replica.url, intent)
    const at = Date.now()
    if (sent.kind === 'acknowledged') {
      const { executionId, status } = sent
      journal.write({ at, kind: 'acknowledged', intent: intent.key, executionId, status, replica: replica.number })
      if (random.next() >= repeat || signal.aborted) return
      continue
    }
    problem = sent.problem
    if (sent.kind === 'broken')
      journal.write({ at, kind: 'broken', intent: intent.key, replica: replica.number, startedAt, problem })
    again = at < giveUpAt && !signal.aborted
    if (again) await delay(random.between(...RETRY_MS))
  }
  journal.write({ at: Date.now(), kind: 'gave up', intent: intent.key, problem })
}
