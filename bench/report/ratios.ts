/** What the figures are held against: the targets of the service, as ratios of what one run measured. */

import type { Result } from '../measure/rounds.ts'
import type { Figures } from '../measure/window.ts'
import type { SubscriberFigures } from '../subscribers/measure.ts'
import { AUDIENCE, FEW, MANY } from '../subscribers/measure.ts'
import type { VariantName } from '../variants/names.ts'
import type { Pair } from '../variants/variant.ts'

export interface Ratio {
  measure: string
  value: number
  unit: string
  target: number
  /** Whether more is better. */
  wanted: 'at least' | 'at most'
}

export interface Measured {
  results: readonly Result[]
  subscribers: SubscriberFigures | undefined
}

export const isMet = ({ value, target, wanted }: Ratio): boolean =>
  wanted === 'at least' ? value >= target : value <= target

const BYTES_PER_MB = 1_000_000
const BYTES_PER_KB = 1_000
const MICROSECONDS_PER_MS = 1_000

/** Of these only what the run has figures for. */
export function ratiosOf(measured: Measured): Ratio[] {
  const ratios = [
    ...rates(measured),
    ...costs(measured),
    ...times(measured),
    ...memory(measured),
    ...subscribers(measured),
  ]
  return ratios.filter(({ value }) => Number.isFinite(value))
}

function rates({ results }: Measured): Ratio[] {
  const rate = (name: VariantName, pair: Pair = 'services') => at(results, name, 256, pair)?.perSecond ?? Number.NaN
  const service = rate('service-http')
  return [
    atLeast(10, 'settled/s at 256, against the naive pipeline', service / rate('naive')),
    atLeast(0.33, 'settled/s at 256, against the MQTT round trip alone', service / rate('mqtt-only')),
    atLeast(2.2, 'settled/s at 256, against default Yoga saying hello', service / rate('yoga-hello')),
    atLeast(
      5,
      'embedded pair, settled/s at 256, against the naive pipeline on Postgres',
      rate('service-http', 'embedded') / rate('naive'),
    ),
    atLeast(0.4, 'documents that are all different at 256, against one', rate('service-http-unique') / service),
  ]
}

function costs({ results }: Measured): Ratio[] {
  const cpu = (name: VariantName, role: keyof Figures['cpu'] = 'subject') =>
    at(results, name, 256)?.cpu[role] ?? Number.NaN
  const floors = cpu('http-jit') + cpu('mqtt-only') + cpu('postgres-batched')
  return [
    atMost(1.3, 'service CPU for a command at 256, against the sum of its floors', cpu('service-http') / floors),
    atMost(
      1 / 12,
      'Postgres CPU for a command at 256, against the naive pipeline',
      cpu('service-http', 'postgres') / cpu('naive', 'postgres'),
    ),
  ]
}

function times({ results }: Measured): Ratio[] {
  const p50 = (name: VariantName, of: 'answered' | 'settled') => at(results, name, 1)?.[of].p50 ?? Number.NaN
  const p99 = (name: VariantName) => at(results, name, 64)?.settled.p99 ?? Number.NaN
  const commit = p50('commit-alone', 'settled')
  // An answer has one commit and one exchange with the broker behind it; an end has a second commit.
  const toAnswer = p50('service-http', 'answered') / (commit + p50('mqtt-only', 'settled'))
  const toEnd = p50('service-http', 'settled') / (2 * commit + p50('mqtt-only', 'settled'))
  return [
    atMost(1.5, 'p50 to the answer at 1, against one commit and one MQTT round trip', toAnswer),
    atMost(1.5, 'p50 to settled at 1, against two commits and one MQTT round trip', toEnd),
    atMost(3.5, 'p99 to settled at 64, against the MQTT round trip alone', p99('service-http') / p99('mqtt-only')),
  ]
}

function memory({ results }: Measured): Ratio[] {
  const ofService = results.filter(({ name, pair }) => name.startsWith('service-') && pair === 'services')
  const peak = Math.max(...ofService.map(({ figures }) => figures.peakMemory))
  return [atMost(170, 'RSS of the service at its peak, Postgres and Mosquitto', peak / BYTES_PER_MB, ' MB')]
}

function subscribers({ subscribers: figures }: Measured): Ratio[] {
  if (!figures) return []
  const { amongFew, amongMany, socket, furtherSubscription, audience } = figures
  const [few, many] = [FEW, MANY].map((count) => count.toLocaleString('en'))
  return [
    atMost(1.2, `CPU of an event for one of ${many} subscriptions, against ${few}`, amongMany / amongFew),
    atMost(13, 'RSS for a socket with its subscription', socket / BYTES_PER_KB, ' KB'),
    atMost(6, 'RSS for a further subscription on it', furtherSubscription / BYTES_PER_KB, ' KB'),
    atMost(
      30,
      `CPU of an event to ${AUDIENCE.toLocaleString('en')} subscribers`,
      audience / MICROSECONDS_PER_MS,
      ' ms',
    ),
  ]
}

function at(results: readonly Result[], name: VariantName, inFlight: number, pair: Pair = 'services') {
  return results.find((each) => each.name === name && each.inFlight === inFlight && each.pair === pair)?.figures
}

const atLeast = (target: number, measure: string, value: number, unit = ' ×'): Ratio => ({
  measure,
  value,
  unit,
  target,
  wanted: 'at least',
})

const atMost = (target: number, measure: string, value: number, unit = ' ×'): Ratio => ({
  measure,
  value,
  unit,
  target,
  wanted: 'at most',
})
