import { useEffect, useState } from 'react'
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
  const [leftMs, setLeftMs] = useState(() => msLeft(until))
  useEffect(() => {
    setLeftMs(msLeft(until))
    const timer = setInterval(() => setLeftMs(msLeft(until)), 250)
    return () => clearInterval(timer)
  }, [until])
  if (leftMs === 0) return <>any moment now</>
  return <>{inClockWords(Math.ceil(leftMs / 1_000))}</>
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
