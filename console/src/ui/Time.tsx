import { useEffect, useState } from 'react'
import { serverNow } from '../data/clock.ts'
import { exactTime, formatDuration, formatTime } from './time.ts'

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
  return <>{leftMs < 60_000 ? `${Math.ceil(leftMs / 1_000)} s` : formatDuration(leftMs)}</>
}

const msLeft = (until: string): number => Math.max(0, Date.parse(until) - serverNow())
