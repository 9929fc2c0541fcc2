import { coversThing } from './access.ts'
import type { Context } from './context.ts'
import { ThingNotFound } from './errors.ts'
import { iterateSource, type Source } from './source.ts'
import type { ThingFilter } from './thing.ts'
import { findThingStates, listThingChanges, type ThingCursor, type ThingState } from './thing-news.ts'

export interface ThingWatchRequest {
  /** One thing: as it is now, then each change, and the end once it is deregistered. */
  id?: string | null | undefined
  filter?: ThingFilter | null | undefined
}

/** More undelivered changes than this are forgotten, and read from the database instead. */
export const MAX_HEARD = 1_000
const READ_AT_ONCE = 200

/**
 * Things as their registration or presence changes: at least once, and never a gap. It listens from this call on, before
 * anything is read. A slow reader gets each thing in its latest state; what waits for it is bounded.
 */
export function watchThings(
  ctx: Context,
  { id, filter }: ThingWatchRequest,
  onEnd?: () => void,
): AsyncIterableIterator<ThingState> {
  return iterateSource(
    (onNews) => (id == null ? followThings(ctx, filter ?? {}, onNews) : followThing(ctx, id, filter ?? {}, onNews)),
    onEnd,
  )
}

/** The filter for live changes; `thingCondition` is the same for the database. */
export function matchesThing(state: ThingState, { id, idPrefix, thingType, tag, online, scope }: ThingFilter): boolean {
  return (
    (!scope || coversThing(scope, state)) &&
    (id?.includes(state.id) ?? true) &&
    (!idPrefix || state.id.startsWith(idPrefix)) &&
    (!thingType || (state.thingType !== null && thingType.includes(state.thingType))) &&
    (tag?.some((word) => state.tags.includes(word)) ?? true) &&
    (online == null || state.presence.online === online)
  )
}

function followThing(ctx: Context, id: string, filter: ThingFilter, onNews: () => void): Source<ThingState> {
  /** Its latest matching state, until that is handed out. */
  let latest: ThingState | undefined
  let isGone = false
  let isUnread = true

  const unlisten = ctx.thingNews.listen({
    thingId: id,
    onChange(state) {
      if (state.id !== id) return
      note(state)
      onNews()
    },
    onGone() {
      isGone = true
      onNews()
    },
  })

  function note(state: ThingState): void {
    isUnread = false
    if (matchesThing(state, filter)) latest = state
  }

  const mustRead = () => isUnread && !isGone

  async function read(): Promise<void> {
    const [state] = await findThingStates(ctx, [id])
    // What was heard meanwhile is told already.
    if (!mustRead()) return
    if (!state) throw new ThingNotFound(id)
    note(state)
  }

  return {
    take() {
      const state = latest
      latest = undefined
      return state
    },
    mustRead,
    read,
    isFinished: () => isGone && !latest,
    close() {
      unlisten()
      latest = undefined
    },
  }
}

/** Every change that matches. Where too much waits, it is forgotten, and what changed since is read, by id, as it is then. */
function followThings(ctx: Context, filter: ThingFilter, onNews: () => void): Source<ThingState> {
  /** Not handed out yet: each thing in its latest state. */
  const waiting = new Map<string, ThingState>()
  /** Where to read on; undefined where nothing was forgotten. */
  let behind: ThingCursor | undefined
  /** Forgotten while that was read: read once more from the beginning. */
  let forgottenSince: Date | undefined
  let isReading = false

  const unlisten = ctx.thingNews.listen({
    onChange(state) {
      // It will be read.
      if (behind && !isReading && state.id > behind.afterId) return
      if (!matchesThing(state, filter)) return
      waiting.delete(state.id)
      waiting.set(state.id, state)
      if (waiting.size > MAX_HEARD) forget()
      onNews()
    },
  })

  function forget(): void {
    const since = Math.min(...[...waiting.values()].map(({ changedAt }) => changedAt.getTime()))
    waiting.clear()
    if (behind) forgottenSince = new Date(Math.min(since, forgottenSince?.getTime() ?? since))
    else behind = { since: new Date(since), afterId: '' }
  }

  async function read(): Promise<void> {
    if (!behind) return
    const { since, afterId } = behind
    isReading = true
    try {
      const page = await listThingChanges(ctx, filter, { since, afterId }, READ_AT_ONCE)
      for (const state of page) if (!waiting.has(state.id)) waiting.set(state.id, state)
      const last = page.at(-1)
      behind = last && page.length === READ_AT_ONCE ? { since, afterId: last.id } : startAgain()
    } finally {
      isReading = false
    }
  }

  function startAgain(): ThingCursor | undefined {
    const again = forgottenSince && { since: forgottenSince, afterId: '' }
    forgottenSince = undefined
    return again
  }

  return {
    take: () => takeFirst(waiting),
    mustRead: () => behind !== undefined,
    read,
    isFinished: () => false,
    close() {
      unlisten()
      waiting.clear()
    },
  }
}

function takeFirst(waiting: Map<string, ThingState>): ThingState | undefined {
  for (const [id, state] of waiting) {
    waiting.delete(id)
    return state
  }
  return undefined
}
