/** How many subscriptions each caller may have open, over all of its connections to this process. */
import { TooManySubscriptions } from './errors.ts'

export interface Allowance {
  /** Whether one more may begin under this name. Who was let in must leave, once. */
  enter(name: string): boolean
  leave(name: string): void
  /** For each name. */
  max: number
}

/** One number for each name that has something open. */
export function createAllowance(max: number): Allowance {
  const open = new Map<string, number>()
  return {
    max,
    enter(name) {
      const count = open.get(name) ?? 0
      if (count >= max) return false
      open.set(name, count + 1)
      return true
    },
    leave(name) {
      const left = (open.get(name) ?? 0) - 1
      if (left > 0) open.set(name, left)
      else open.delete(name)
    },
  }
}

/** Begins what counts until its end, which it says itself, however often. Throws where the name has too many open. */
export async function countSubscription<T>(
  allowance: Allowance,
  name: string,
  begin: (onEnd: () => void) => Promise<T>,
): Promise<T> {
  if (!allowance.enter(name)) throw new TooManySubscriptions(allowance.max)
  let isOpen = true
  const end = () => {
    if (isOpen) allowance.leave(name)
    isOpen = false
  }
  try {
    return await begin(end)
  } catch (error) {
    end()
    throw error
  }
}
