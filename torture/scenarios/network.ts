/** Wires between the service and its engines are cut, go silent and are slow, in turn. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Part } from '../check/records.ts'
import { count, overdueRow, violationRows } from '../measures.ts'
import type { Scenario } from '../scenario.ts'
import { checkStage, type Stage, setStage, startLoad } from '../stage.ts'
import type { Wire } from '../world/wire.ts'

const LATENCY_MS = 100
const FAULTS = ['cut', 'silence', 'slow'] as const
const PARTS = ['database', 'broker'] as const

export const network: Scenario = {
  name: 'network',
  short: false,
  async run({ name, scope, options, report, times }) {
    const stage = await setStage(scope, options, { scenario: name, replicas: 2, wired: true })
    const load = await startLoad(stage, { ttl: 15 })
    const faults = times(24, 3)
    for (let done = 0; done < faults; done++) {
      await delay(stage.random.between(300, 1500))
      const part = stage.random.pick([...PARTS])
      const fault = stage.random.pick([...FAULTS])
      report(`${part}: ${fault}`)
      await damage(stage, part, fault)
      report(`${part}: carries again`)
    }
    await load.stop()
    const { violations, rows, overdueMs } = await checkStage(stage)
    return [
      count(name, 'faults', faults),
      count(name, 'commands', rows.length),
      count(name, 'timed out', rows.filter(({ status }) => status === 'TIMED_OUT').length),
      overdueRow(name, overdueMs),
      ...violationRows(name, violations),
    ]
  },
}

async function damage(stage: Stage, part: (typeof PARTS)[number], fault: (typeof FAULTS)[number]): Promise<void> {
  const wire = stage.wires?.[part]
  if (!wire) return
  const outage: Part = part === 'database' ? 'database' : 'link'
  const lastsMs = stage.random.between(500, 3000)
  if (fault !== 'slow') stage.outages.begin(outage)
  await begin(wire, fault)
  await delay(lastsMs)
  stage.outages.end(outage, await wire.restore())
}

function begin(wire: Wire, fault: (typeof FAULTS)[number]): Promise<void> {
  return fault === 'slow' ? wire.slow(LATENCY_MS) : wire[fault]()
}
