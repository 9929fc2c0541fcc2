import { useSyncExternalStore } from 'react'
import { serverNow } from '../data/clock.ts'
import { exactTime, formatTime } from './time.ts'

/** Local time, with the exact instant on hover. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={exactTime(at)}>
      {formatTime(at)}
    </time>
  )
}

/** How long until then, by the service's clock. */
export function Countdown({ until }: { until: string }) {
  useSyncExternalStore(tick.subscribe, tick.get)
  const leftMs = msLeft(until)
  return <>{leftMs === 0 ? 'any moment now' : inClockWords(Math.ceil(leftMs / 1_000))}</>
}

const TICK_MS = 500

/** One timer for all countdowns, and one rendering. */
const tick = createTick()

function createTick() {
  const listeners = new Set<() => void>()
  let count = 0
  let timer: ReturnType<typeof setInterval> | undefined
  const ring = () => {
    count += 1
    for (const listener of listeners) listener()
  }
  return {
    get: () => count,
    subscribe(onTick: () => void) {
      listeners.add(onTick)
      timer ??= setInterval(ring, TICK_MS)
      return () => {
        listeners.delete(onTick)
        if (listeners.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
  }
}

/** Of the same width from one second to the next. */
function inClockWords(seconds: number): string {
  if (seconds < 60) return `${seconds} s`
  const two = (part: number): string => String(part % 60).padStart(2, '0')
  const hours = Math.floor(seconds / 3_600)
  return hours > 0
    ? `${hours}:${two(Math.floor(seconds / 60))}:${two(seconds)}`
    : `${Math.floor(seconds / 60)}:${two(seconds)}`
}

const msLeft = (until: string): number => Math.max(0, Date.parse(until) - serverNow())
