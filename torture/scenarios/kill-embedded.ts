/** kill -9 of the embedded pair, and a second process on its folder. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { end } from '../../bench/processes/child.ts'
import { count, measureOf, overdueRow, violationRows } from '../measures.ts'
import type { Play, Scenario } from '../scenario.ts'
import { checkStage, setStage, startLoad } from '../stage.ts'

/** One connection to the database, and the first start after each kill replays its log. */
const RATE = 100
const REFUSAL_PATIENCE_MS = 20_000

export const killEmbedded: Scenario = {
  name: 'kill-embedded',
  short: true,
  async run(play) {
    const { name, scope, options, report, times } = play
    const dataDir = mkdtempSync(join(tmpdir(), 'fleet-torture-embedded-'))
    scope.defer(() => rmSync(dataDir, { recursive: true, force: true }))
    const stage = await setStage(scope, options, {
      scenario: name,
      embedded: true,
      environments: [{ DATA_DIR: dataDir }],
    })
    const refusal = await openSecond(play, dataDir)
    const load = await startLoad(stage, { rate: Math.min(options.rate, RATE), ttl: 20 })
    const kills = times(50, 1)
    for (let done = 0; done < kills; done++) {
      await delay(stage.random.between(300, 1500))
      await stage.replicas[0].kill()
      await stage.replicas[0].start()
    }
    await load.stop()
    report(`${kills} kills, ${load.callers.started()} commands`)
    const { violations, rows, overdueMs } = await checkStage(stage)
    return [
      count(name, 'kills', kills),
      count(name, 'commands', rows.length),
      measureOf(name, 'second opener', 'refused', refusal, refusal === 'refused'),
      overdueRow(name, overdueMs),
      ...violationRows(name, violations),
    ]
  },
}

async function openSecond({ scope, options }: Play, dataDir: string): Promise<string> {
  const second = spawn(process.execPath, [options.entry, 'serve'], {
    cwd: tmpdir(),
    env: { PATH: process.env['PATH'], PORT: '0', MQTT_PORT: '0', DATA_DIR: dataDir },
    stdio: 'ignore',
  })
  scope.defer(() => end(second))
  const code = await Promise.race([once(second, 'exit').then(([ended]) => ended), delay(REFUSAL_PATIENCE_MS)])
  if (code === undefined) return 'let in'
  return code === 1 ? 'refused' : `ended with ${code}`
}
