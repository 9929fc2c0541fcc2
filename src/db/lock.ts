import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../base/config.ts'

const LOCK_FILE = 'fleet-commands.lock'

/**
 * Takes the data folder for this process, because the embedded database has no lock of its own and two processes on one
 * folder lose each other's rows. A lock left by a process that is gone is taken over.
 * Returns the function that gives it back. Throws a ConfigError where a live process has it.
 */
export function lockDataDir(dataDir: string): () => void {
  mkdirSync(dataDir, { recursive: true })
  const path = join(dataDir, LOCK_FILE)
  const owner = describeProcess(process.pid)
  const claim = `${path}.${process.pid}`
  writeFileSync(claim, owner)
  try {
    if (!tryLink(claim, path)) {
      removeStaleLock(path, dataDir)
      if (!tryLink(claim, path)) throw inUse(dataDir, readLock(path))
    }
  } finally {
    rmSync(claim, { force: true })
  }
  return () => {
    if (readLock(path) === owner) rmSync(path, { force: true })
  }
}

function removeStaleLock(path: string, dataDir: string): void {
  const found = readLock(path)
  if (found === undefined) return
  const pid = Number(found.split(' ')[0])
  if (pid !== process.pid && found === describeProcess(pid)) throw inUse(dataDir, found)
  // Moved aside before it is removed: of two processes that both found it stale, one moves it, and whoever moved a
  // fresh lock by mistake sees it and puts it back.
  const aside = `${path}.stale-${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return
  }
  if (readLock(aside) !== found) {
    tryLink(aside, path)
    rmSync(aside, { force: true })
    throw inUse(dataDir, readLock(path))
  }
  rmSync(aside, { force: true })
}

/** A process as "pid start-time": the start time (Linux) tells it from a later process that got the same pid. Empty where there is none. */
function describeProcess(pid: number): string {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return ''
  }
  return `${pid} ${startTime(pid)}`
}

function startTime(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // Field 22 of proc(5), counted after the command in parentheses, which may hold spaces.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}

function tryLink(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function inUse(dataDir: string, owner: string | undefined): ConfigError {
  const who = owner ? `process ${owner.split(' ')[0]}` : 'another process'
  return new ConfigError(
    `DATA_DIR: got ${JSON.stringify(dataDir)}, which ${who} is using; expected a folder that no process uses: stop that one first (or set DATABASE_URL, to share a Postgres)`,
  )
}
