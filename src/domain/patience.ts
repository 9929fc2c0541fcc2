/** How long a send may wait for the database, and for the check of its params, in all. */
export const PATIENCE_MS = 5_000

/** Given up before it was begun: nothing was recorded, and nothing will be. */
export class NotBegun extends Error {
  override name = 'NotBegun'
}

/** Given up after it was begun: nobody knows yet what became of it. Its code makes it one of "the database cannot be used". */
export class NotAnswered extends Error {
  override name = 'NotAnswered'
  readonly code = 'ETIMEDOUT'
}

/** The work, or the failure as soon as the patience of whoever came at `since` (performance.now) is over. */
export async function withPatience<T>(since: number, work: Promise<T>, failure: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(failure()), Math.max(0, since + PATIENCE_MS - performance.now()))
  })
  try {
    return await Promise.race([work, over])
  } finally {
    clearTimeout(timer)
  }
}

/** Of a send that waits for a read. */
export const databaseSilent = (): Error => new NotAnswered('the database did not answer a send in time')
