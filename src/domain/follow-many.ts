import type { Context } from './context.ts'
import { type Execution, versionOf } from './execution.ts'
import { type ChangeCursor, listChanges } from './executions.ts'
import { type ExecutionFilter, matchesFilter } from './filter.ts'
import { hearChanges } from './hear.ts'
import type { Source } from './source.ts'

/** More undelivered live changes than this are forgotten, and read from the database instead. */
export const MAX_HEARD = 1_000
const PAGE_SIZE = 200

/**
 * Every execution that matches: what changed since, then live.
 *
 * All is handed out in the order of the changes, so that a client can go on from the last one it saw: while there is
 * anything to be read (`behind`), what is heard waits. Where too much waits, it is forgotten and read as well.
 */
export function followMany(
  ctx: Context,
  filter: ExecutionFilter,
  since: Date | undefined,
  onNews: () => void,
): Source<Execution> {
  // Of thousands of subscribers most wait for their first news: a map is made when there is something to put in.
  /** Read, and not handed out yet. */
  let missed: Map<string, Execution> | undefined
  /** Heard, and not handed out yet: each execution in its latest state, in the order of their latest changes. */
  let heard: Map<string, Execution> | undefined
  /** Where to read on; undefined where all has been read. */
  let behind = since && cursorWithLag(ctx, since)

  const hearing = hearChanges(
    ctx,
    { thingIds: filter.thingId ?? undefined },
    {
      onChange(execution) {
        if (!matchesFilter(execution, filter)) return
        missed?.delete(execution.id)
        heard ??= new Map()
        // Taken out first, so that the latest change is also the last in line.
        heard.delete(execution.id)
        heard.set(execution.id, execution)
        if (heard.size > MAX_HEARD) {
          fallBehind({ at: earliestChange(heard) })
          heard = undefined
        }
        onNews()
      },
      onGap(at) {
        // No further back: what becomes visible late is still looked for by whoever tells of the gap (reconcile.ts).
        fallBehind({ at })
        onNews()
      },
    },
  )

  function fallBehind(cursor: ChangeCursor): void {
    if (!behind || isBefore(cursor, behind)) behind = cursor
  }

  async function read(): Promise<void> {
    await hearing.ready
    if (!behind) return
    const from = behind
    behind = undefined
    try {
      const page = await listChanges(ctx, filter, from, PAGE_SIZE)
      ctx.live.noteRead(page)
      for (const execution of page) {
        const known = heard?.get(execution.id)
        // A newer state was heard while the page was read; it comes later.
        if (known && versionOf(known) > versionOf(execution)) continue
        heard?.delete(execution.id)
        missed ??= new Map()
        missed.set(execution.id, execution)
      }
      const last = page.at(-1)
      if (last && page.length === PAGE_SIZE) fallBehind({ at: last.updatedAt, afterId: last.id })
    } catch (error) {
      fallBehind(from)
      throw error
    }
  }

  return {
    take: () => takeFirst(missed) ?? (behind ? undefined : takeFirst(heard)),
    mustRead: () => behind !== undefined,
    read,
    isFinished: never,
    close() {
      hearing.stop()
      missed = undefined
      heard = undefined
    },
  }
}

const never = () => false

function takeFirst(executions: Map<string, Execution> | undefined): Execution | undefined {
  for (const [id, execution] of executions ?? []) {
    executions?.delete(id)
    return execution
  }
  return undefined
}

const earliestChange = (executions: Map<string, Execution>): Date =>
  new Date(Math.min(...[...executions.values()].map(({ updatedAt }) => updatedAt.getTime())))

/** Reads a little further back: what changed before `at` may have become visible only after it. */
const cursorWithLag = ({ commitLagMs }: Context, at: Date): ChangeCursor => ({
  // Nothing is older than that, and Postgres knows no year 0.
  at: new Date(Math.max(0, at.getTime() - commitLagMs)),
})

function isBefore(one: ChangeCursor, other: ChangeCursor): boolean {
  const difference = one.at.getTime() - other.at.getTime()
  return difference < 0 || (difference === 0 && (one.afterId ?? '') < (other.afterId ?? ''))
}
