/** What every scenario plays on: engines, replicas, devices, callers and subscribers, and the check at the end. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { failure } from '../bench/processes/failure.ts'
import type { Scope } from '../bench/processes/scope.ts'
import { findViolations, longestOverdue, type Violations } from './check/checker.ts'
import type { Row } from './check/records.ts'
import { type Journal, openJournal } from './journal.ts'
import { type Callers, type CallersOptions, startCallers } from './load/callers.ts'
import { type DevicesOptions, startDevices } from './load/devices.ts'
import { knowsDelivery, sendOverGraphql } from './load/send.ts'
import { type Subscriber, startSubscriber } from './load/subscriber.ts'
import type { Options } from './options.ts'
import { createRandom, type Random } from './random.ts'
import { readRows, readRowsFromApi } from './world/database.ts'
import { type Mosquitto, startMosquitto } from './world/mosquitto.ts'
import { createOutages, type Outages } from './world/outages.ts'
import { freePort } from './world/ports.ts'
import { type Postgres, startPostgres } from './world/postgres.ts'
import { registerThings, thingNames } from './world/registry.ts'
import { createReplica, type Replica } from './world/replica.ts'
import type { Wire } from './world/wire.ts'
import { startWire } from './world/wires.ts'

export interface StageOptions {
  scenario: string
  replicas?: number
  things?: number
  /** The embedded pair, and not Postgres and Mosquitto. */
  embedded?: boolean
  /** Wires between the service and its engines. */
  wired?: boolean
  environments?: readonly Readonly<Record<string, string>>[]
}

export interface Engines {
  postgres: Postgres
  mosquitto: Mosquitto
}

export interface Stage {
  options: Options
  scope: Scope
  /** Decides faults, and nothing else, so that they are the same with the same seed. */
  random: Random
  journal: Journal
  outages: Outages
  brokerKills: number[]
  engines: Engines | undefined
  wires: { database: Wire; broker: Wire } | undefined
  replicas: readonly [Replica, ...Replica[]]
  things: readonly string[]
  /** Where devices connect. */
  mqttUrl: string
  delivery: 'AT_LEAST_ONCE' | undefined
}

export async function setStage(scope: Scope, options: Options, wanted: StageOptions): Promise<Stage> {
  const { scenario, embedded = false, wired = false, things: thingCount = 20 } = wanted
  const folder = join(options.logs, scenario)
  mkdirSync(folder, { recursive: true })
  const journal = openJournal(join(folder, 'journal.jsonl'))
  scope.defer(journal.close)
  const outages = createOutages()
  const engines = embedded
    ? undefined
    : { postgres: await startPostgres(scope), mosquitto: await startMosquitto(scope) }
  const wires =
    engines && wired
      ? {
          database: await startWire(scope, engines.postgres.url),
          broker: await startWire(scope, engines.mosquitto.url),
        }
      : undefined
  const mqttPort = await freePort()
  const environment: Record<string, string> = engines
    ? {
        DATABASE_URL: wires?.database.urlOf(engines.postgres.url) ?? engines.postgres.url,
        MQTT_URL: wires?.broker.urlOf(engines.mosquitto.url) ?? engines.mosquitto.url,
      }
    : { MQTT_PORT: String(mqttPort) }
  const replicas = await startReplicas(scope, options, wanted, { folder, environment, outages })
  const things = thingNames(thingCount)
  await registerThings(replicas[0].url, things)
  return {
    options,
    scope,
    random: createRandom(options.seed),
    journal,
    outages,
    brokerKills: [],
    engines,
    wires,
    replicas,
    things,
    mqttUrl: engines?.mosquitto.url ?? `mqtt://127.0.0.1:${mqttPort}`,
    delivery: (await knowsDelivery(replicas[0].url)) ? 'AT_LEAST_ONCE' : undefined,
  }
}

interface Surroundings {
  folder: string
  environment: Readonly<Record<string, string>>
  outages: Outages
}

async function startReplicas(
  scope: Scope,
  { entry }: Options,
  { replicas: wanted = 1, environments = [] }: StageOptions,
  { folder, environment, outages }: Surroundings,
): Promise<[Replica, ...Replica[]]> {
  const replicas: Replica[] = []
  // The service is there while one replica is.
  const noteChange = () => {
    const change = replicas.some((replica) => replica.isUp()) ? outages.end : outages.begin
    change('service')
  }
  for (let number = 0; number < wanted; number++) {
    const logFile = join(folder, `replica-${number}.log`)
    const settings = { ...environment, ...environments[number] }
    const callbacks = { onUp: noteChange, onDown: noteChange }
    const replica = await createReplica(scope, { number, entry, environment: settings, logFile, ...callbacks })
    replicas.push(replica)
    await replica.start()
  }
  return replicas as [Replica, ...Replica[]]
}

export interface Load {
  callers: Callers
  subscribers: readonly Subscriber[]
  /** No more intents; those under way come to their end. */
  stop(): Promise<void>
}

/** Devices that answer, subscribers at each replica, and callers. */
export async function startLoad(
  stage: Stage,
  { beforeAnswer, ...given }: Partial<CallersOptions> & Pick<DevicesOptions, 'beforeAnswer'> = {},
): Promise<Load> {
  const { scope, journal, replicas, things, options } = stage
  await startFleet(stage, beforeAnswer)
  const subscribers = await Promise.all(replicas.map((replica) => startSubscriber(replica, journal)))
  for (const { stop } of subscribers) scope.defer(stop)
  const random = createRandom(options.seed + 1)
  const callers = startCallers({
    things,
    replicas,
    journal,
    random,
    send: sendOverGraphql,
    rate: options.rate,
    ttl: 10,
    ...given,
  })
  scope.defer(callers.abort)
  return { callers, subscribers, stop: callers.stop }
}

export async function startFleet(stage: Stage, beforeAnswer?: () => Promise<unknown>): Promise<void> {
  const { scope, journal, things, mqttUrl } = stage
  const fleet = await startDevices({ things, mqttUrl, write: journal.write, ...(beforeAnswer && { beforeAnswer }) })
  scope.defer(fleet.stop)
}

const SETTLE_PATIENCE_MS = 3000
const LOOK_AGAIN_MS = 250

export interface Ending {
  violations: Violations
  rows: readonly Row[]
  /** From the TTL to its end, of the execution that was open longest, in milliseconds of service time. */
  overdueMs: number
  /** Intents whose callers got no acknowledgement in time. */
  gaveUp: number
}

/** Waits until everything that can settle has, by the TTL at the latest, and checks. */
export async function checkStage(stage: Stage): Promise<Ending> {
  const { journal, outages, brokerKills } = stage
  let readAt = Date.now()
  let rows = await readAll(stage)
  const deadline = Math.max(readAt, latestExpiry(rows)) + SETTLE_PATIENCE_MS
  // Through the API it takes seconds, in which rows settle: what counts is read after the deadline, from its beginning.
  while (rows.some(({ status }) => status === 'SENT') && readAt < deadline) {
    await delay(LOOK_AGAIN_MS)
    readAt = Date.now()
    rows = await readAll(stage)
  }
  // Subscribers hear of the last ones.
  await delay(LOOK_AGAIN_MS)
  const evidence = { entries: journal.entries, rows, outages: outages.list(), brokerKills, readAt }
  // Where nothing was promised, nothing can be broken: that is no success.
  if (!journal.entries.some(({ kind }) => kind === 'acknowledged')) throw failure('no command was acknowledged')
  const gaveUp = journal.entries.filter(({ kind }) => kind === 'gave up').length
  return { violations: findViolations(evidence), rows, overdueMs: longestOverdue(evidence), gaveUp }
}

const latestExpiry = (rows: readonly Row[]): number =>
  rows.reduce((latest, { status, expiresAt }) => (status === 'SENT' ? Math.max(latest, expiresAt) : latest), 0)

const readAll = ({ engines, replicas }: Stage): Promise<Row[]> =>
  engines ? readRows(engines.postgres.url) : readRowsFromApi(replicas[0].url)
