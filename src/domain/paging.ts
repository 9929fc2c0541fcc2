import { isThingId } from '../protocol/topics.ts'
import { isKeyId } from './api-keys.ts'
import { ArgumentError } from './errors.ts'
import { isUuid } from './filter.ts'

/** A page by keyset: rows after and before these keys, newest first, or oldest first where `inverted`. */
export interface Page {
  after?: string | undefined
  before?: string | undefined
  limit: number
  inverted: boolean
}

export const DEFAULT_PAGE_SIZE = 20
export const MAX_PAGE_SIZE = 100

/** What a page is of. The key of a row is its primary key, so a cursor stays right while rows come and go. */
export type Listed = 'execution' | 'thing' | 'type' | 'key' | 'event'

const KEY_FORMATS: Record<Listed, (key: string) => boolean> = {
  execution: isUuid,
  thing: isThingId,
  type: isThingId,
  key: isKeyId,
  event: isUuid,
}

export const encodeCursor = (listed: Listed, key: string): string =>
  Buffer.from(`${listed}:${key}`).toString('base64url')

/** The key in a cursor of this API. Throws an ArgumentError on anything else. */
export function decodeCursor(listed: Listed, argument: string, cursor: string): string {
  const [prefix, ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split(':')
  const key = rest.join(':')
  if (prefix !== listed || !KEY_FORMATS[listed](key)) {
    throw new ArgumentError(argument, `expected a cursor from a page of ${listed}s`)
  }
  return key
}

/** Throws an ArgumentError unless it is absent or from 0 to 100. */
export function checkPageSize(argument: string, size: number | null | undefined): void {
  if (size != null && !(Number.isInteger(size) && size >= 0 && size <= MAX_PAGE_SIZE)) {
    throw new ArgumentError(argument, `expected a whole number from 0 to ${MAX_PAGE_SIZE}, got ${size}`)
  }
}
