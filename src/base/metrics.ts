/** What is counted and measured, for Prometheus (`/metrics`). Labels take few, known values: never ids, never actions. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** What the domain counts as it goes. The state that is only looked at when somebody asks is in `observe.ts`. */
export interface Metrics {
  registry: Registry
  sends: Counter<'outcome'>
  sendsUnderWay: Gauge
  settlings: Counter<'status'>
  roundTrip: Histogram<'status'>
  expiryLateness: Histogram
  batchSize: Histogram<'of'>
}

const PREFIX = 'fleet_commands_'
/** From a device in the next room to the longest TTL. */
const ROUND_TRIP_SECONDS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 21_600, 86_400,
]
/** Promised is one second. */
const LATENESS_SECONDS = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600, 3_600]
const BATCH_SIZES = [1, 2, 5, 10, 25, 50, 100, 250, 500]
/** Of the timer that measures the lag of the event loop. */
const LAG_PRECISION_MS = 20

/** In a registry of their own, so that two services in one process do not count for each other. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    sends: new Counter({
      name: `${PREFIX}sends_total`,
      help: 'Commands that callers asked to send, by what they were answered: SENT (a repetition with an idempotency key too), or the code of the first error.',
      labelNames: ['outcome'],
      registers,
    }),
    sendsUnderWay: new Gauge({
      name: `${PREFIX}sends_under_way`,
      help: 'Sends that wait for their check, their commit or the confirmation of the broker.',
      registers,
    }),
    settlings: new Counter({
      name: `${PREFIX}settlings_total`,
      help: 'Executions that this replica settled, by their terminal status.',
      labelNames: ['status'],
      registers,
    }),
    roundTrip: new Histogram({
      name: `${PREFIX}round_trip_seconds`,
      help: 'From the creation of an execution to its settling by an answer, by the status of the answer.',
      labelNames: ['status'],
      buckets: ROUND_TRIP_SECONDS,
      registers,
    }),
    expiryLateness: new Histogram({
      name: `${PREFIX}expiry_lateness_seconds`,
      help: 'From the end of its TTL to the moment at which an execution was settled as TIMED_OUT.',
      buckets: LATENESS_SECONDS,
      registers,
    }),
    batchSize: new Histogram({
      name: `${PREFIX}batch_size`,
      help: 'How many sends, or responses, shared one commit.',
      labelNames: ['of'],
      buckets: BATCH_SIZES,
      registers,
    }),
  }
}

/** The process itself, under the names that Node's dashboards know: `process_…`, `nodejs_…`, the lag of the event loop among them. */
export const collectProcessMetrics = ({ registry }: Metrics): void =>
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_PRECISION_MS })

/** A value that is looked up when somebody asks; where it is undefined, nobody knows and nothing is shown. */
export type Reading = () => number | undefined | Promise<number | undefined>

/** Shows a state as it is at each scrape. */
export function addGauge({ registry }: Metrics, name: string, help: string, read: Reading): void {
  new Gauge({
    name: `${PREFIX}${name}`,
    help,
    registers: [registry],
    async collect() {
      const value = await read()
      if (value === undefined) this.remove()
      else this.set(value)
    },
  })
}

/** Shows values under one label, as they are at each scrape. */
export function addGaugeBy<Label extends string>(
  { registry }: Metrics,
  name: string,
  help: string,
  label: Label,
  read: () => Record<string, number>,
): void {
  new Gauge({
    name: `${PREFIX}${name}`,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      for (const [value, count] of Object.entries(read())) this.set({ [label]: value } as Record<Label, string>, count)
    },
  })
}

/** Shows what is counted elsewhere and only grows, by one label, or as one number. */
export function addCounterBy<Label extends string>(
  { registry }: Metrics,
  name: string,
  help: string,
  label: Label,
  read: () => Record<string, number>,
): void {
  new Counter({
    name: `${PREFIX}${name}`,
    help,
    labelNames: [label],
    registers: [registry],
    collect() {
      this.reset()
      for (const [value, count] of Object.entries(read())) this.inc({ [label]: value } as Record<Label, string>, count)
    },
  })
}

export function addCounter({ registry }: Metrics, name: string, help: string, read: () => number): void {
  new Counter({
    name: `${PREFIX}${name}`,
    help,
    registers: [registry],
    collect() {
      this.reset()
      this.inc(read())
    },
  })
}
