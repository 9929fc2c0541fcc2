/** What a scenario is. */
import type { Scope } from '../bench/processes/scope.ts'
import type { Measure } from './measures.ts'
import type { Options } from './options.ts'

export interface Scenario {
  name: string
  /** Part of `--short`. */
  short: boolean
  run(play: Play): Promise<Measure[]>
}

export interface Play {
  name: string
  /** Ended after the scenario, whatever comes of it. */
  scope: Scope
  options: Options
  report(line: string): void
  /** How many faults: what was asked for, else `usual`, or `short` for CI. */
  times(usual: number, short: number): number
}
