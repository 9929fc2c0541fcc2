import { formatDuration } from '../../ui/time.ts'

export const formatCount = (count: number): string => count.toLocaleString()

const COMPACT = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })
export const formatCompact = (count: number): string => COMPACT.format(count)

/** Never rounded up to all of them. */
export function formatRate(rate: number | null | undefined): string {
  if (rate == null) return '–'
  const percent = rate < 1 ? Math.min(rate * 100, 99.9) : 100
  return `${percent.toLocaleString(undefined, { maximumFractionDigits: 1 })} %`
}

export const formatMs = (ms: number | null | undefined): string => (ms == null ? '–' : formatDuration(ms))
