/** What a scenario found, beside what was wanted. */
import { table } from '../bench/report/tables.ts'
import { PROMISES, type Promised, type Violations } from './check/checker.ts'

export interface Measure {
  scenario: string
  measure: string
  target: string
  value: string
  /** Undefined: no target, or it could not be measured. */
  met: boolean | undefined
  /** A few that violate it. */
  examples?: readonly string[]
}

const MAX_EXAMPLES = 5

export const measureOf = (
  scenario: string,
  measure: string,
  target: string,
  value: string,
  met?: boolean,
): Measure => ({
  scenario,
  measure,
  target,
  value,
  met,
})

/** What must be zero. */
export function none(scenario: string, measure: string, violating: readonly string[]): Measure {
  const { length } = violating
  return {
    ...measureOf(scenario, measure, '0', String(length), length === 0),
    ...(length > 0 && { examples: violating.slice(0, MAX_EXAMPLES) }),
  }
}

export const count = (scenario: string, measure: string, value: number | string): Measure =>
  measureOf(scenario, measure, '', String(value))

/** How near the promise to be terminal by TTL + 1 s came to be broken. */
export const overdueRow = (scenario: string, overdueMs: number): Measure =>
  count(scenario, 'settled after its TTL at the latest, ms of service time', Math.round(overdueMs))

/** A row for each promise. */
export const violationRows = (scenario: string, violations: Violations, except: readonly Promised[] = []): Measure[] =>
  (Object.keys(PROMISES) as Promised[])
    .filter((promised) => !except.includes(promised))
    .map((promised) => none(scenario, PROMISES[promised], violations[promised]))

export const measuresTable = (measures: readonly Measure[]): string =>
  table(
    ['scenario: measure', 'target', 'value', 'met'],
    measures.map(({ scenario, measure, target, value, met }) => [
      `${scenario}: ${measure}`,
      target,
      value,
      met === undefined ? '' : met ? 'yes' : 'NO',
    ]),
  )
