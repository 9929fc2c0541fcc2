/** What Linux says about processes: CPU time and memory. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/** `utime` and the like are in ticks of 1/100 s on every architecture of Linux that Node runs on (USER_HZ). */
const MICROSECONDS_PER_TICK = 10_000
const BYTES_PER_KB = 1024

interface Stat {
  parent: number
  /** Of the process with all its threads. */
  ownTicks: number
  /** Of its children that have ended. */
  endedChildrenTicks: number
}

/** CPU microseconds of a process so far. */
export function cpuOf(pid: number): number {
  return (readStat(pid)?.ownTicks ?? 0) * MICROSECONDS_PER_TICK
}

/** CPU microseconds so far of a process and its children, those that ended included. */
export function cpuOfFamily(parent: number): number {
  const own = readStat(parent)
  if (!own) return 0
  let ticks = own.ownTicks + own.endedChildrenTicks
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined
    if (stat?.parent === parent) ticks += stat.ownTicks
  }
  return ticks * MICROSECONDS_PER_TICK
}

export function parentOf(pid: number): number | undefined {
  return readStat(pid)?.parent
}

export const nameOf = (pid: number): string | undefined => read(`/proc/${pid}/comm`)?.trim()

/** Resident memory in bytes, now and at most since `forgetPeak`. */
export function memoryOf(pid: number): { now: number; peak: number } {
  const status = read(`/proc/${pid}/status`) ?? ''
  const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0)
  return { now: kilobytes('VmRSS') * BYTES_PER_KB, peak: kilobytes('VmHWM') * BYTES_PER_KB }
}

/** Lets the peak begin anew. Where the kernel refuses, it stays that of the whole life of the process, which only looks worse. */
export function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {}
}

function readStat(pid: number): Stat | undefined {
  const text = read(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  // The name before it is in parentheses, and may hold spaces and parentheses itself.
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
  const field = (number: number) => fields[number - 3] ?? 0
  return { parent: field(4), ownTicks: field(14) + field(15), endedChildrenTicks: field(16) + field(17) }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
