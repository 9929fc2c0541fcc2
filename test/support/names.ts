import { randomBytes } from 'node:crypto'

/** A thing's name that no other test has: on a shared broker they hear each other. */
export const uniqueName = (prefix: string): string => `${prefix}-${randomBytes(5).toString('hex')}`
