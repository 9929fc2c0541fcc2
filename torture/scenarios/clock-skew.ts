/** One replica's clock is ten minutes off: no row is different for it. */
import { existsSync, readdirSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { failure } from '../../bench/processes/failure.ts'
import type { Row } from '../check/records.ts'
import { count, type Measure, measureOf, none, violationRows } from '../measures.ts'
import type { Play, Scenario } from '../scenario.ts'
import { checkStage, setStage, startLoad } from '../stage.ts'

const SKEWS_SECONDS = [600, -600]
const LOAD_MS = 8000
const SHORT_LOAD_MS = 3000
const TOLERANCE_MS = 5000
const LIBRARIES = '/usr/lib'

export const clockSkew: Scenario = {
  name: 'clock-skew',
  short: true,
  async run(play) {
    const library = findFaketime()
    const measures: Measure[] = []
    for (const skew of play.options.short ? SKEWS_SECONDS.slice(0, 1) : SKEWS_SECONDS)
      measures.push(...(await playSkew(play, library, skew)))
    return measures
  },
}

async function playSkew({ scope, options }: Play, library: string, skew: number): Promise<Measure[]> {
  const name = `clock-skew (${skew} s)`
  const faketime = {
    LD_PRELOAD: library,
    FAKETIME: `${skew > 0 ? '+' : ''}${skew}s`,
    // Its timers run as they should.
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    DONT_FAKE_MONOTONIC: '1',
  }
  const stage = await setStage(scope, options, { scenario: name, replicas: 2, environments: [{}, faketime] })
  const seen = await readSkew(stage.replicas[1]?.url ?? '')
  const from = Date.now()
  const load = await startLoad(stage)
  await delay(options.short ? SHORT_LOAD_MS : LOAD_MS)
  await load.stop()
  const { violations, rows } = await checkStage(stage)
  const to = Date.now()
  const off = rows.filter((row) => isOff(row, from, to)).map(({ id }) => id)
  const different = rows.filter(({ status }) => status !== 'SUCCEEDED').map(({ id }) => id)
  return [
    measureOf(name, "the replica's clock is off", `${skew} s`, `${seen} s`, Math.abs(seen - skew) <= 2),
    count(name, 'commands', rows.length),
    none(name, 'rows whose times are off', off),
    none(name, 'rows that did not end as answered', different),
    ...violationRows(name, violations),
  ]
}

/** By the Date of its answers. */
async function readSkew(url: string): Promise<number> {
  const response = await fetch(`${url}/healthz`)
  return Math.round((Date.parse(response.headers.get('date') ?? '') - Date.now()) / 1000)
}

const isOff = ({ createdAt, settledAt }: Row, from: number, to: number): boolean =>
  [createdAt, settledAt ?? createdAt].some((at) => at < from - TOLERANCE_MS || at > to + TOLERANCE_MS)

function findFaketime(): string {
  const found = readdirSync(LIBRARIES)
    .map((folder) => `${LIBRARIES}/${folder}/faketime/libfaketimeMT.so.1`)
    .find((file) => existsSync(file))
  if (found) return found
  throw failure('libfaketime: not found, expected it in /usr/lib (Debian: apt-get install faketime)')
}
