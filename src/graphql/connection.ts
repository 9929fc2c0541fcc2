import { resolveCursorConnection } from '@pothos/plugin-relay'
import type { Page } from '../domain/executions.ts'
import {
  checkPageSize,
  DEFAULT_PAGE_SIZE,
  decodeCursor,
  encodeCursor,
  type Listed,
  MAX_PAGE_SIZE,
} from '../domain/paging.ts'

interface PageArguments {
  first?: number | null | undefined
  last?: number | null | undefined
  after?: string | null | undefined
  before?: string | null | undefined
}

/** One page of a list by keyset, in either direction. Throws an ArgumentError on a bad size or cursor. */
export function resolvePage<T extends object>(
  listed: Listed,
  args: PageArguments,
  keyOf: (row: T) => string,
  list: (page: Page) => Promise<T[]>,
) {
  checkPageSize('first', args.first)
  checkPageSize('last', args.last)
  const decode = (argument: string, cursor: string | undefined) =>
    cursor ? decodeCursor(listed, argument, cursor) : undefined
  return resolveCursorConnection<Promise<T[]>>(
    {
      args,
      defaultSize: DEFAULT_PAGE_SIZE,
      maxSize: MAX_PAGE_SIZE,
      toCursor: (row: T) => encodeCursor(listed, keyOf(row)),
    },
    ({ after, before, limit, inverted }) =>
      list({ after: decode('after', after), before: decode('before', before), limit, inverted }),
  )
}
