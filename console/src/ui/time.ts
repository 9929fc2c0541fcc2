/** Times and durations in words. */

const CLOCK = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const DAY = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: '2-digit', day: '2-digit' })

/** In local time: today's by the clock alone. */
export function formatTime(instant: string, now = new Date()): string {
  const at = new Date(instant)
  const clock = CLOCK.format(at)
  return at.toDateString() === now.toDateString() ? clock : `${DAY.format(at)} ${clock}`
}

/** The exact instant, in local time and as the API has it. */
export const exactTime = (instant: string): string =>
  `${new Date(instant).toLocaleString(undefined, { dateStyle: 'full', timeStyle: 'long' })}\n${instant}`

export const msBetween = (from: string, to: string): number => Math.max(0, Date.parse(to) - Date.parse(from))

export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(ms < 10_000 ? 2 : 1))} s`
  const seconds = Math.round(ms / 1_000)
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor((seconds % 3_600) / 60)]
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${seconds % 60} s`
}
