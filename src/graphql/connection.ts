import { resolveCursorConnection } from '@pothos/plugin-relay'
import { ArgumentError } from '../domain/errors.ts'
import {
  checkPageSize,
  DEFAULT_PAGE_SIZE,
  decodeCursor,
  encodeCursor,
  type Listed,
  MAX_PAGE_SIZE,
  type Page,
} from '../domain/paging.ts'

interface PageArguments {
  first?: number | null | undefined
  last?: number | null | undefined
  after?: string | null | undefined
  before?: string | null | undefined
}

/** One page of a list by keyset, in either direction. Throws an ArgumentError on a bad size or cursor. */
export async function resolvePage<T extends object>(
  listed: Listed,
  args: PageArguments,
  keyOf: (row: T) => string,
  list: (page: Page) => Promise<T[]>,
) {
  checkPageSize('first', args.first)
  checkPageSize('last', args.last)
  if (args.first != null && args.last != null) throw new ArgumentError('last', 'expected not together with first')
  const decode = (argument: 'after' | 'before') =>
    args[argument] == null ? undefined : decodeCursor(listed, argument, args[argument])
  const bounds = { after: decode('after'), before: decode('before') }
  const { edges, pageInfo } = await resolveCursorConnection<Promise<T[]>>(
    {
      args,
      defaultSize: DEFAULT_PAGE_SIZE,
      maxSize: MAX_PAGE_SIZE,
      toCursor: (row: T) => encodeCursor(listed, keyOf(row)),
    },
    ({ limit, inverted }) => list({ ...bounds, limit, inverted }),
  )
  // A page without rows has no cursors but those it was asked with.
  return {
    edges,
    pageInfo: { ...pageInfo, startCursor: pageInfo.startCursor || null, endCursor: pageInfo.endCursor || null },
  }
}
