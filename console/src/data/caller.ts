/** Who is signed in, and what to offer: what a role may not do is not shown. */
import { createContext, use } from 'react'
import type { CallerQuery } from '../generated/graphql.ts'

export type Caller = CallerQuery['caller']

const CallerContext = createContext<Caller | undefined>(undefined)

export const CallerProvider = CallerContext

export function useCaller(): Caller {
  const caller = use(CallerContext)
  if (!caller) throw new Error('there is no CallerProvider above')
  return caller
}

export const maySend = ({ role }: Caller): boolean => role !== 'VIEWER'
export const mayManage = ({ role }: Caller): boolean => role === 'ADMIN'
/** A type is of more than what such a caller sees: whoever is narrowed to things or actions may define none. */
export const mayDefine = ({ things, actions, ...caller }: Caller): boolean =>
  caller.role === 'ADMIN' && !things && !actions
export const mayDefineType = (caller: Caller, name: string): boolean =>
  mayDefine(caller) && matchesAny(caller.thingTypes, name)

/** Whether a name is within what the caller is narrowed to; "*" in a pattern stands for any characters, once at most. */
export function matchesAny(patterns: readonly string[] | null | undefined, name: string): boolean {
  return !patterns || patterns.some((pattern) => matches(pattern, name))
}

function matches(pattern: string, name: string): boolean {
  const [start = '', end] = pattern.split('*')
  if (end === undefined) return name === pattern
  return name.length >= start.length + end.length && name.startsWith(start) && name.endsWith(end)
}
