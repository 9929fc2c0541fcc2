/** The embedded database on a disk that fills up: what was acknowledged is there after it has room again. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Scope } from '../../bench/processes/scope.ts'
import { count, measureOf, overdueRow, violationRows } from '../measures.ts'
import type { Scenario } from '../scenario.ts'
import { checkStage, setStage, startLoad } from '../stage.ts'

const SIZE_MB = 400
const RATE = 100
const LOAD_MS = 3000
const FULL_MS = 4000

export const diskFull: Scenario = {
  name: 'disk-full',
  short: false,
  async run({ name, scope, options }) {
    const disk = mountSmallDisk(scope)
    if (!disk) return [measureOf(name, 'a small disk can be mounted', '', 'no (needs root and mount): not played')]
    const stage = await setStage(scope, options, { scenario: name, embedded: true, environments: [{ DATA_DIR: disk }] })
    const load = await startLoad(stage, { rate: RATE, ttl: 30 })
    await delay(LOAD_MS)
    // Statements fail meanwhile: for the promises that is a database that is away.
    stage.outages.begin('database')
    const ballast = join(disk, 'ballast')
    fill(disk, ballast)
    await delay(FULL_MS)
    const survived = stage.replicas[0].isUp()
    rmSync(ballast)
    if (survived) await stage.replicas[0].kill()
    await stage.replicas[0].start()
    stage.outages.end('database')
    await delay(LOAD_MS)
    await load.stop()
    const { violations, rows, overdueMs } = await checkStage(stage)
    return [
      count(name, 'commands', rows.length),
      count(name, 'the process outlived the full disk', survived ? 'yes' : 'no'),
      overdueRow(name, overdueMs),
      ...violationRows(name, violations),
    ]
  },
}

function mountSmallDisk(scope: Scope): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-torture-disk-'))
  scope.defer(() => rmSync(folder, { recursive: true, force: true }))
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m`, 'tmpfs', folder]).status !== 0) return undefined
  scope.defer(() => spawnSync('umount', ['-l', folder]))
  return folder
}

/** To the last block. */
function fill(disk: string, ballast: string): void {
  const { bavail, bsize } = statfsSync(disk)
  try {
    writeFileSync(ballast, Buffer.alloc(bavail * bsize))
  } catch (error) {
    // The service took the last blocks first.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  }
}
