/** Rounds of windows, interleaved: what the machine does meanwhile hits every variant alike. */
import type { Options } from '../options.ts'
import type { Scope } from '../processes/scope.ts'
import type { VariantName } from '../variants/names.ts'
import type { Pair, Subject, Variant } from '../variants/variant.ts'
import { ROLES } from '../variants/variant.ts'
import { median, type Quantiles } from './quantiles.ts'
import { type Figures, measureWindow } from './window.ts'

/** A variant at one level: the medians of its rounds. */
export interface Result {
  name: VariantName
  pair: Pair
  inFlight: number
  figures: Figures
}

interface Measured extends Omit<Result, 'figures'> {
  rounds: Figures[]
}

export type Report = (line: string) => void

export async function measureRounds(
  scope: Scope,
  { rounds, inFlight, breakIn, warmUp, seconds }: Options,
  variants: readonly Variant[],
  report: Report,
): Promise<Result[]> {
  const subjects = new Map<Variant, Subject>()
  for (const variant of variants) {
    report(`starting ${variant.name} (${variant.pair})`)
    subjects.set(variant, await variant.open())
  }
  for (const [variant, subject] of subjects) {
    if (breakIn === 0) break
    // Uncounted. What runs for months is compiled; a hundred commands a second, at one in flight, would compile nothing.
    report(`breaking in ${variant.name} (${variant.pair})`)
    const inFlightMost = Math.max(...variant.levels(inFlight))
    await measureWindow(scope, subject, { inFlight: inFlightMost, warmUp: breakIn, seconds: 1 })
  }
  const measured = new Map<string, Measured>()
  for (let round = 1; round <= rounds; round++)
    for (const level of inFlight)
      for (const [variant, subject] of subjects) {
        if (!variant.levels(inFlight).includes(level)) continue
        const figures = await measureWindow(scope, subject, { inFlight: level, warmUp, seconds })
        remember(measured, variant, level, figures)
        report(`round ${round}  ${variant.name} (${variant.pair}) at ${level}: ${Math.round(figures.perSecond)}/s`)
      }
  return [...measured.values()].map(({ rounds, ...what }) => ({ ...what, figures: medianFigures(rounds) }))
}

function remember(measured: Map<string, Measured>, { name, pair }: Variant, inFlight: number, figures: Figures): void {
  const key = `${name} ${pair} ${inFlight}`
  const known = measured.get(key)
  if (known) known.rounds.push(figures)
  else measured.set(key, { name, pair, inFlight, rounds: [figures] })
}

function medianFigures(rounds: readonly Figures[]): Figures {
  const of = (read: (figures: Figures) => number) => median(rounds.map(read))
  const quantiles = (read: (figures: Figures) => Quantiles): Quantiles => ({
    p50: of((figures) => read(figures).p50),
    p95: of((figures) => read(figures).p95),
    p99: of((figures) => read(figures).p99),
  })
  const roles = ROLES.filter((role) => rounds[0]?.cpu[role] !== undefined)
  return {
    completed: of(({ completed }) => completed),
    perSecond: of(({ perSecond }) => perSecond),
    answered: quantiles(({ answered }) => answered),
    settled: quantiles(({ settled }) => settled),
    cpu: Object.fromEntries(roles.map((role) => [role, of(({ cpu }) => cpu[role] ?? Number.NaN)])),
    // Not the median: a peak is a peak.
    peakMemory: Math.max(...rounds.map(({ peakMemory }) => peakMemory)),
  }
}
