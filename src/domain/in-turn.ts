import { NotBegun, withPatience } from './patience.ts'

/** Work under way, by key: bounded by the requests under way. */
export type Turns = Map<string, Promise<unknown>>

/**
 * Does the work after what is under way for the same key, whatever becomes of that. Throws NotBegun where its turn does not
 * come within the patience of whoever came at `since`; the next one waits for those before all the same.
 */
export function inTurn<T>(turns: Turns, key: string, since: number, work: () => Promise<T>): Promise<T> {
  const before = turns.get(key)
  const mine = before ? withPatience(since, before, () => new NotBegun('its turn did not come')).then(work) : work()
  const leave = () => {
    if (turns.get(key) === last) turns.delete(key)
  }
  const last: Promise<void> = (before ? Promise.allSettled([before, mine]) : mine).then(leave, leave)
  turns.set(key, last)
  return mine
}
