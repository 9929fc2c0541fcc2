import type { Context } from './context.ts'
import type { LiveListener, LiveScope } from './live.ts'

export interface Hearing {
  /** Resolves when the changes of other replicas are heard as well, or cannot be now: read the database after it, not before. */
  ready: Promise<void>
  stop(): void
}

/** Listens to what this process commits, from this call on, and to what the other replicas announce. */
export function hearChanges(ctx: Context, scope: LiveScope, listener: LiveListener): Hearing {
  const unlisten = ctx.live.listen(scope, listener)
  const following = ctx.gateway.follow(scope)
  return {
    ready: following.ready,
    stop() {
      unlisten()
      following.stop()
    },
  }
}
