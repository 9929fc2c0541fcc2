/** What a variant is: something that can be driven, and the processes that it costs. */
import type { Options } from '../options.ts'
import type { Child } from '../processes/child.ts'
import type { Scope } from '../processes/scope.ts'
import type { VariantName } from './names.ts'

/** `subject` is what the variant is about: the service, the naive pipeline, a floor's server or client. */
export const ROLES = ['subject', 'postgres', 'mosquitto', 'devices', 'load'] as const
export type Role = (typeof ROLES)[number]

export type Pair = 'services' | 'embedded'

/** A process that speaks the protocol of `load/closed-loop.ts`. */
export type Driver = Child<unknown>

export interface Subject {
  pid: number
  /** CPU microseconds so far; a role that is absent takes no part, or cannot be seen. */
  cpu: Partial<Record<Role, () => number>>
  /** Drives it for one window, and ends with the scope. Where the subject drives itself, it is the subject. */
  openDriver(scope: Scope): Promise<Driver>
  /** Before each window. */
  tidy(): Promise<unknown>
}

export interface Variant {
  name: VariantName
  pair: Pair
  /** The levels that make sense for it, of those asked for. */
  levels(inFlight: readonly number[]): number[]
  /** Called once for each run. */
  open(): Promise<Subject>
}

export interface Bench {
  options: Options
  scope: Scope
}
