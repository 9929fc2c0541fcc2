/** The id under which a request is found in the log: the caller's, or one of ours. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { clientAddress } from './client-address.ts'

export const REQUEST_ID_HEADER = 'x-request-id'

/** What may be in it goes into logs and headers as it is. */
const VALID = /^[A-Za-z0-9_.:-]{1,128}$/

/** Gives a request its id, and returns it. One that the caller sent stays, where it is valid. */
export function assignRequestId({ headers }: IncomingMessage): string {
  const given = headers[REQUEST_ID_HEADER]
  if (typeof given === 'string' && VALID.test(given)) return given
  const made = randomUUID()
  headers[REQUEST_ID_HEADER] = made
  return made
}

/** The id that a request was given. */
export function requestIdOf({ headers }: IncomingMessage): string | undefined {
  const id = headers[REQUEST_ID_HEADER]
  return typeof id === 'string' ? id : undefined
}

/** Where a request comes from, and what it is called. */
export const originOf = (req: IncomingMessage): { address: string | null; requestId: string | undefined } => ({
  address: clientAddress(req) ?? null,
  requestId: requestIdOf(req),
})
