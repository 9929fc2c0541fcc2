import type { Logger } from '../base/log.ts'

/** The second signal does not wait for the orderly end that the first one began. */
const FORCED_EXIT_CODE = 130
/** Each part has its own limits, which are shorter; where none holds, a supervisor would have to kill us. */
export const STOP_LIMIT_MS = 25_000

/** Stops in order at SIGINT and SIGTERM, and ends the process. */
export function onSignal(stop: () => Promise<void>, log?: Logger, limitMs = STOP_LIMIT_MS): void {
  let stopping = false
  const handle = () => {
    if (stopping) process.exit(FORCED_EXIT_CODE)
    stopping = true
    setTimeout(() => {
      log?.error('the service did not stop in time')
      process.exit(1)
    }, limitMs).unref()
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log?.error({ err: error }, 'the service did not stop in order')
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', handle)
  process.on('SIGTERM', handle)
}
