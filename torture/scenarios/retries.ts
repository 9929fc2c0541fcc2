/** POSTs that are retried at random with their keys, at both replicas at once: each intent happens once. */

import { startCallers } from '../load/callers.ts'
import { ACTION, sendOverRest } from '../load/send.ts'
import { count, violationRows } from '../measures.ts'
import { createRandom } from '../random.ts'
import type { Scenario } from '../scenario.ts'
import { checkStage, setStage, startFleet } from '../stage.ts'

/** Of ten POSTs that were answered, four are sent again, whatever was answered. */
const REPEAT = 0.4
const PARALLEL = 2
const RATE = 500

export const retries: Scenario = {
  name: 'retries',
  short: true,
  async run({ name, scope, options, report, times }) {
    const stage = await setStage(scope, options, { scenario: name, replicas: 2 })
    await startFleet(stage)
    const intents = times(10_000, 500)
    let posts = 0
    const callers = startCallers({
      things: stage.things,
      replicas: stage.replicas,
      journal: stage.journal,
      random: createRandom(options.seed + 1),
      // The same POST twice at the same time, as an impatient proxy does it; the answer is that of either.
      send: async (url, intent) => {
        posts += PARALLEL
        const sent = await Promise.all(stage.replicas.map((replica) => sendOverRest(replica.url, intent)))
        for (const one of sent)
          if (one.kind === 'acknowledged')
            stage.journal.write({ ...one, at: Date.now(), kind: 'acknowledged', intent: intent.key, replica: 0 })
        return sent.find(({ kind }) => kind === 'acknowledged') ?? sendOverRest(url, intent)
      },
      rate: RATE,
      ttl: 60,
      count: intents,
      repeat: REPEAT,
    })
    scope.defer(callers.abort)
    await callers.allStarted
    await callers.stop()
    report(`${intents} intents, ${posts} POSTs of ${ACTION}`)
    const { violations, rows, gaveUp } = await checkStage(stage)
    return [
      count(name, 'intents', intents),
      count(name, 'POSTs', posts),
      count(name, 'intents given up', gaveUp),
      count(name, 'executions', rows.length),
      ...violationRows(name, violations),
    ]
  },
}
