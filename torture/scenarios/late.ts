/** Devices that are offline, frozen or black-holed while the TTL passes, and a broker that restarts meanwhile: nothing comes late. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { end } from '../../bench/processes/child.ts'
import type { Entry } from '../check/records.ts'
import { startCallers } from '../load/callers.ts'
import { startDevices } from '../load/devices.ts'
import { sendOverGraphql } from '../load/send.ts'
import { count, type Measure, violationRows } from '../measures.ts'
import { createRandom } from '../random.ts'
import type { Play, Scenario } from '../scenario.ts'
import { checkStage, type Stage, setStage } from '../stage.ts'
import { startWire } from '../world/wires.ts'

/** In seconds: long enough to send them all, and short enough to wait for. */
const TTL = 3
/** What comes late comes now. */
const LISTEN_MS = 1500
const DEVICE = new URL('../load/device-process.ts', import.meta.url)
const THING = 'torture-000'

/** Makes a device unable to hear; what it returns makes it hear again. */
type Deafen = (stage: Stage, play: Play) => Promise<() => Promise<void>>

const WAYS: Record<string, { deafen: Deafen; ttl?: number; restartBroker?: boolean; mayReceive?: boolean }> = {
  offline: { deafen: goOffline },
  // None expires while Mosquitto is away: of what expires in the second in which it starts, it forgets that it expires.
  'offline, broker killed': { deafen: goOffline, restartBroker: true, ttl: 10 },
  // What the broker has put on the wire waits in the device's own buffers: it must look at its clock.
  frozen: { deafen: freeze, mayReceive: true },
  'black-holed': { deafen: blackHole, mayReceive: true },
}

export const late: Scenario = {
  name: 'late',
  short: true,
  async run(play) {
    const measures: Measure[] = []
    for (const way of Object.keys(WAYS)) {
      // For CI the simplest.
      if (play.options.short && way !== 'offline') continue
      measures.push(...(await playWay(play, way)))
    }
    return measures
  },
}

async function playWay(play: Play, name: string): Promise<Measure[]> {
  const { scope, options, report, times } = play
  const way = WAYS[name]
  if (!way) return []
  const { ttl = TTL } = way
  const stage = await setStage(scope, options, { scenario: `late (${name})`, things: 1 })
  const hear = await way.deafen(stage, play)
  const probes = times(1000, 50)
  const callers = startCallers({
    things: stage.things,
    replicas: stage.replicas,
    journal: stage.journal,
    random: createRandom(options.seed + 1),
    send: sendOverGraphql,
    rate: probes,
    ttl,
    count: probes,
    repeat: 0,
  })
  scope.defer(callers.abort)
  await callers.allStarted
  await callers.stop()
  if (way.restartBroker) await restartBroker(stage)
  await delay(ttl * 1000)
  await hear()
  await delay(LISTEN_MS)
  const { violations, rows } = await checkStage(stage)
  report(`${name}: ${rows.length} commands`)
  const handed = violations.handedLate.length
  return [
    count(`late (${name})`, 'commands', rows.length),
    ...(way.mayReceive
      ? [count(`late (${name})`, 'read from its own buffers after the TTL, and ignored', handed)]
      : []),
    ...violationRows(`late (${name})`, violations, way.mayReceive ? ['handedLate'] : []),
  ]
}

async function restartBroker({ engines, outages, brokerKills }: Stage): Promise<void> {
  // Mosquitto has written what it holds (`autosave_interval 1`), else there would be nothing to hand out.
  await delay(1200)
  outages.begin('link')
  brokerKills.push(Date.now())
  await engines?.mosquitto.kill()
  await engines?.mosquitto.start()
  outages.end('link')
}

/** Subscribed once, so that the broker keeps its requests, then gone. */
async function goOffline(stage: Stage): Promise<() => Promise<void>> {
  const { scope, mqttUrl, things, journal } = stage
  const before = await startDevices({ things, mqttUrl, write: journal.write })
  await before.stop()
  return async () => {
    const after = await startDevices({ things, mqttUrl, write: journal.write })
    scope.defer(after.stop)
  }
}

async function freeze(stage: Stage, { scope, options }: Play): Promise<() => Promise<void>> {
  const file = join(options.logs, `device-${process.pid}-${Date.now()}.jsonl`)
  appendFileSync(file, '')
  const device = fork(fileURLToPath(DEVICE), [stage.mqttUrl, THING, file], { execArgv: ['--import', 'tsx'] })
  scope.defer(() => {
    // A frozen process hears of no SIGTERM.
    device.kill('SIGCONT')
    return end(device)
  })
  await once(device, 'message')
  device.kill('SIGSTOP')
  return async () => {
    device.kill('SIGCONT')
    await delay(LISTEN_MS)
    for (const line of readFileSync(file, 'utf8').split('\n')) if (line) stage.journal.write(JSON.parse(line) as Entry)
  }
}

async function blackHole(stage: Stage, { scope }: Play): Promise<() => Promise<void>> {
  const { mqttUrl, things, journal } = stage
  const wire = await startWire(scope, mqttUrl)
  const devices = await startDevices({ things, mqttUrl: wire.urlOf(mqttUrl), write: journal.write })
  scope.defer(devices.stop)
  await wire.silence()
  return async () => void (await wire.restore())
}
