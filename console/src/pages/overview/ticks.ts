/** Where the axis of time is labelled, and how: in local time, on whole minutes, hours and days. Pure: no I/O. */
import type { StatsBucket } from '../../generated/graphql.ts'

export interface Tick {
  at: number
  label: string
}

interface Step {
  /** Every so many minutes, hours or days. */
  of: 'minute' | 'hour' | 'day'
  every: number
}

const STEPS: Record<StatsBucket, readonly Step[]> = {
  MINUTE: [5, 10, 15, 30].map((every) => ({ of: 'minute', every })),
  HOUR: [
    ...[1, 2, 3, 6, 12].map((every): Step => ({ of: 'hour', every })),
    { of: 'day', every: 1 },
    { of: 'day', every: 2 },
  ],
  DAY: [1, 2, 5, 10].map((every) => ({ of: 'day', every })),
}

const SIZES = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const
/** A label has about this width, with room around it. */
const LABEL_PX = 58

export function ticksOf(
  { from, to, bucket }: { from: number; to: number; bucket: StatsBucket },
  width: number,
): Tick[] {
  const steps = STEPS[bucket]
  const fits = ({ of, every }: Step) => (width * SIZES[of] * every) / (to - from) >= LABEL_PX
  const step = steps.find(fits) ?? steps.at(-1)
  if (!step) return []
  // Days of the statistics are those of UTC; all else is labelled where it is whole here.
  const isUtc = bucket === 'DAY'
  const size = SIZES[step.of === 'day' && !isUtc ? 'hour' : step.of]
  const ticks: Tick[] = []
  for (let at = Math.ceil(from / size) * size; at < to; at += size) {
    if (isWhole(at, step, isUtc)) ticks.push({ at, label: labelOf(at, step, isUtc) })
  }
  return ticks
}

function isWhole(at: number, { of, every }: Step, isUtc: boolean): boolean {
  const date = new Date(at)
  if (isUtc) return Math.floor(at / SIZES.day) % every === 0
  if (of === 'minute') return date.getMinutes() % every === 0
  if (of === 'hour') return date.getHours() % every === 0
  return date.getHours() === 0 && (every === 1 || Math.round(at / SIZES.day) % every === 0)
}

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const DAY: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' }
const LOCAL_DAY = new Intl.DateTimeFormat(undefined, DAY)
const UTC_DAY = new Intl.DateTimeFormat(undefined, { ...DAY, timeZone: 'UTC' })
const INSTANT = new Intl.DateTimeFormat(undefined, { ...DAY, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })

function labelOf(at: number, { of }: Step, isUtc: boolean): string {
  if (isUtc) return UTC_DAY.format(at)
  const isDay = of === 'day' || (of === 'hour' && new Date(at).getHours() === 0)
  return isDay ? LOCAL_DAY.format(at) : CLOCK.format(at)
}

/** From when to when, in local time: what is on one day has it once, and a day of UTC is that. */
export function spanInWords(from: string, to: string): string {
  const [begin, end] = [new Date(from), new Date(to)]
  const ms = end.getTime() - begin.getTime()
  if (ms === SIZES.day && begin.getUTCHours() === 0) return `${UTC_DAY.format(begin)} (UTC)`
  const isOneDay = begin.toDateString() === end.toDateString() || ms <= SIZES.hour
  return `${INSTANT.format(begin)} – ${isOneDay ? CLOCK.format(end) : INSTANT.format(end)}`
}
