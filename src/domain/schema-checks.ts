/** What is asked of schemas that are not plain: patterns, references, anything large. None of it takes the service's own time. */
import { createBoundedMap } from '../base/bounded-map.ts'
import type { Logger } from '../base/log.ts'
import { createCheckLane } from './check-lane.ts'
import type { Answer, Job } from './check-thread.ts'
import { GAVE_UP } from './check-turns.ts'

/** GAVE_UP and NotBegun as of a CheckLane. */
export interface SchemaChecks {
  checkParams(job: Job, since: number): Promise<Answer | typeof GAVE_UP>
  /** Whether it can be used: with params that have no members. */
  checkSchema(schema: string, since: number): Promise<Answer | typeof GAVE_UP>
  stop(): Promise<void>
}

/** For the schema and the params together. A schema of 250 KB that says something takes a second and a half to compile. */
export const MAX_CHECK_MS = 3_000

const QUICK = { jobMs: 300, waiting: 4_000, waitingOfOneSchema: 2_000, giveUpTogether: true }
/** Few may wait: each holds one of the sends that may be under way. */
const SLOW = { jobMs: MAX_CHECK_MS, waiting: 200, waitingOfOneSchema: 50, giveUpTogether: false }
/** What takes longer to compile is asked in the slow lane from the beginning. */
const MAX_QUICK_SCHEMA_CHARS = 16 * 1024
const MAX_QUICK_CHECK_MS = 50
const SLOW_FOR_MS = 60_000
const MAX_SLOW_CHARS = 1024 * 1024

/**
 * Two threads. Where a check took long, those of the same schema go to the slow one for a minute, where they wait for each
 * other and for definitions: a quick schema waits for no more than the 300 ms after which a slow one is found out.
 */
export function createSchemaChecks(log: Logger): SchemaChecks {
  const quick = createCheckLane(QUICK)
  const slow = createCheckLane(SLOW)
  /** Until when, by performance.now(). */
  const slowUntil = createBoundedMap<string, number>(MAX_SLOW_CHARS, ({ length }) => length)

  const isSlow = (schema: string): boolean =>
    schema.length > MAX_QUICK_SCHEMA_CHARS || (slowUntil.get(schema) ?? 0) > performance.now()

  function noteSlow(schema: string): void {
    if (isSlow(schema)) return
    slowUntil.set(schema, performance.now() + SLOW_FOR_MS)
    log.warn({ schema: schema.slice(0, 256) }, 'a check of params took long: those of its schema wait for each other')
  }

  return {
    async checkParams(job, since) {
      if (isSlow(job.schema)) return slow.ask(job, since)
      const answer = await quick.ask(job, since)
      if (answer !== GAVE_UP && answer.checkMs <= MAX_QUICK_CHECK_MS) return answer
      noteSlow(job.schema)
      return answer === GAVE_UP ? slow.ask(job, since) : answer
    },
    checkSchema: (schema, since) => slow.ask({ schema, params: '{}' }, since),
    async stop() {
      await Promise.all([quick.stop(), slow.stop()])
    },
  }
}
