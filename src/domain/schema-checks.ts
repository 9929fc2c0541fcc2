/** What is asked of schemas that are not plain: patterns, references, anything large. None of it takes the service's own time. */
import { createBoundedMap } from '../base/bounded-map.ts'
import type { Logger } from '../base/log.ts'
import { createCheckLane } from './check-lane.ts'
import type { Answer, Job } from './check-thread.ts'
import { GAVE_UP, PASSED_OVER } from './check-turns.ts'
import { NotBegun } from './patience.ts'

/** GAVE_UP where it took too long. Throws NotBegun where too many wait, or it waits too long. */
export interface SchemaChecks {
  checkParams(job: Job, since: number): Promise<Answer | typeof GAVE_UP>
  /** Whether it can be used: with params that have no members. */
  checkSchema(schema: string, since: number): Promise<Answer | typeof GAVE_UP>
  stop(): Promise<void>
}

/** For the schema and the params together. A schema of 250 KB that says something takes a second to compile. */
export const MAX_CHECK_MS = 2_000

const QUICK = { jobMs: 300, waiting: 4_000, waitingOfOneSchema: 2_000 }
/** Few may wait: each holds one of the sends that may be under way. */
const SLOW = { jobMs: MAX_CHECK_MS, waiting: 200, waitingOfOneSchema: 50 }
/** What takes longer to compile is asked in the slow lane from the beginning. */
const MAX_QUICK_SCHEMA_CHARS = 16 * 1024
const MAX_QUICK_CHECK_MS = 50
const SLOW_FOR_MS = 60_000
/** After it was given up: else one schema could keep the slow lane busy. */
const BARRED_FOR_MS = 5_000

/**
 * Two threads. Where a check took long, those of the same schema go to the slow one for a minute, where they wait for each
 * other and for definitions: a quick schema waits for no more than the 300 ms after which a slow one is found out.
 */
export function createSchemaChecks(log: Logger): SchemaChecks {
  const quick = createCheckLane(QUICK)
  const slow = createCheckLane(SLOW)
  const slowOnes = createMarks(SLOW_FOR_MS)
  const barred = createMarks(BARRED_FOR_MS)

  async function askSlow(job: Job, since: number): Promise<Answer | typeof GAVE_UP> {
    const asked = barred.has(job.schema) ? PASSED_OVER : await slow.ask(job, since)
    if (asked === GAVE_UP) barred.add(job.schema)
    if (asked === PASSED_OVER) throw new NotBegun('another check with its schema took too long')
    return asked
  }

  function noteSlow(schema: string): void {
    if (slowOnes.has(schema)) return
    slowOnes.add(schema)
    log.warn({ schema: schema.slice(0, 256) }, 'a check of params took long: those of its schema wait for each other')
  }

  return {
    async checkParams(job, since) {
      const isQuick = job.schema.length <= MAX_QUICK_SCHEMA_CHARS && !slowOnes.has(job.schema)
      if (!isQuick) return askSlow(job, since)
      const asked = await quick.ask(job, since)
      const isAnswer = asked !== GAVE_UP && asked !== PASSED_OVER
      if (!isAnswer || asked.checkMs > MAX_QUICK_CHECK_MS) noteSlow(job.schema)
      return isAnswer ? asked : askSlow(job, since)
    },
    checkSchema: (schema, since) => askSlow({ schema, params: '{}' }, since),
    async stop() {
      await Promise.all([quick.stop(), slow.stop()])
    },
  }
}

interface Marks {
  add(schema: string): void
  has(schema: string): boolean
}

const MAX_MARKED_CHARS = 1024 * 1024

/** Schemas of which something is true for some time. */
function createMarks(lastingMs: number): Marks {
  const until = createBoundedMap<string, number>(MAX_MARKED_CHARS, ({ length }) => length)
  return {
    add: (schema) => until.set(schema, performance.now() + lastingMs),
    has: (schema) => (until.get(schema) ?? 0) > performance.now(),
  }
}
