/** The commands behind a number: what a part of a chart leads to. */
import type { ListSearch } from '../../data/execution-filter.ts'
import type { ExecutionStatus } from '../../generated/graphql.ts'

interface Part {
  from: string
  /** Absent: until now. */
  to?: string
  status?: readonly ExecutionStatus[]
  thing?: string
  action?: string
}

export const commandsSearch = ({ from, to, status, thing, action }: Part): ListSearch => ({
  ...(thing !== undefined && { thing: [thing] }),
  ...(action !== undefined && { action: [action] }),
  ...(status && { status: [...status] }),
  from,
  ...(to !== undefined && { to }),
})

export const FAILURES: readonly ExecutionStatus[] = ['FAILED', 'TIMED_OUT']
