/** A simulation of the service: what each part does with a command, in order, and what of it is shared by a batch. */
import type { Calibration } from './scaling-constants.ts'
import { createMachine, type Machine } from './scaling-machine.ts'

export interface Setting {
  /** Cores for everything, the load and the devices among them. */
  cores: number
  /** For each replica; 0 for one that only hears. */
  inFlight: readonly number[]
  /** The greatest batch that a statement may be. */
  maxBatch: number
  /** Each replica hears every response, as with a plain subscription; otherwise each is heard by the one that sent it. */
  hearsAll: boolean
  seconds: number
}

export interface Prediction {
  perSecond: number
  p50: number
  /** CPU microseconds for each command, by process. */
  cpu: Record<string, number>
  meanBatch: number
}

/** Microseconds: the beginning does not count, until batches have found their size. */
const WARM_UP = 1_000_000
const SECOND = 1_000_000

interface Flight {
  replica: number
  sentAt: number
}

export function simulate(constants: Calibration, setting: Setting): Prediction {
  const machine = createMachine(setting.cores)
  const parts = createParts(machine, constants, setting)
  const times: number[] = []
  const send = (replica: number) => parts.send({ replica, sentAt: machine.now() })
  parts.onSettled((flight) => {
    if (machine.now() > WARM_UP) times.push(machine.now() - flight.sentAt)
    send(flight.replica)
  })
  for (const [replica, count] of setting.inFlight.entries()) for (let n = 0; n < count; n++) send(replica)
  machine.run(WARM_UP)
  const before = machine.spent()
  const batchesBefore = { ...parts.batches }
  machine.run(WARM_UP + setting.seconds * SECOND)
  const spent = machine.spent()
  const cpu = Object.fromEntries(
    Object.entries(spent).map(([name, sum]) => [name, (sum - (before[name] ?? 0)) / times.length]),
  )
  const items = parts.batches.items - batchesBefore.items
  return {
    perSecond: times.length / setting.seconds,
    p50: (times.sort((a, b) => a - b)[times.length >> 1] ?? Number.NaN) / 1000,
    cpu,
    meanBatch: items / (parts.batches.count - batchesBefore.count),
  }
}

/** The way of a command, from the back to the front, as each part has to know what comes after it. */
function createParts(machine: Machine, constants: Calibration, { inFlight, maxBatch, hearsAll }: Setting) {
  const { service: costs, hearing, store: storing, settle: settling, wakeMicros } = constants
  const batches = { count: 0, items: 0 }
  let settled: (flight: Flight) => void = () => {}
  const loads = inFlight.map(() => machine.worker('loads', constants.load.turn, false))
  const services = inFlight.map(() => machine.worker('services', costs.turn, true))
  const broker = machine.worker('mosquitto', constants.broker.turn, false)
  const devices = machine.worker('devices', constants.devices.turn, false)
  const wake = (then: () => void) => machine.after(wakeMicros, then)
  const foreign = inFlight.map(() => createGroup(machine, hearing.statements, maxBatch, { count: 0, items: 0 }))
  const settles = inFlight.map(() => createGroup(machine, settling, maxBatch, batches))
  const stores = inFlight.map(() => createGroup(machine, storing, maxBatch, batches))
  const half = { service: costs.item / 4, load: constants.load.item / 2, broker: constants.broker.item / 2 }

  const end = (flight: Flight) => loads[flight.replica]?.(half.load, () => settled(flight))
  const settle = (flight: Flight) =>
    settles[flight.replica]?.(() => wake(() => services[flight.replica]?.(half.service, () => wake(() => end(flight)))))
  const hear = (flight: Flight) => {
    services[flight.replica]?.(half.service, () => wake(() => settle(flight)))
    if (!hearsAll) return
    for (const [other, service] of services.entries()) {
      if (other === flight.replica) continue
      broker(hearing.broker, () =>
        wake(() => service(hearing.service, () => foreign[other]?.(() => service(0, () => {})))),
      )
    }
  }
  const answer = (flight: Flight) =>
    devices(constants.devices.item, () => wake(() => broker(half.broker, () => wake(() => hear(flight)))))
  const publish = (flight: Flight) =>
    services[flight.replica]?.(half.service, () => wake(() => broker(half.broker, () => wake(() => answer(flight)))))
  const store = (flight: Flight) => stores[flight.replica]?.(() => wake(() => publish(flight)))
  const receive = (flight: Flight) => services[flight.replica]?.(half.service, () => wake(() => store(flight)))
  const send = (flight: Flight) => loads[flight.replica]?.(half.load, () => wake(() => receive(flight)))
  const onSettled = (listener: (flight: Flight) => void): void => {
    settled = listener
  }
  return { send, batches, onSettled }
}

/** What waits while a batch is on its way is the next batch (src/domain/group-commit.ts). */
function createGroup(
  machine: Machine,
  { cpu, cpuPerRow, waitMicros }: Calibration['store'],
  maxBatch: number,
  counted: { count: number; items: number },
) {
  const connection = machine.worker('postgres', 0, false)
  const waiting: (() => void)[] = []
  let working = false
  const work = (): void => {
    const batch = waiting.splice(0, maxBatch)
    working = batch.length > 0
    if (!working) return
    counted.count += 1
    counted.items += batch.length
    // The flush of the log occupies no core.
    connection(cpu + cpuPerRow * batch.length, () =>
      machine.after(waitMicros, () => {
        for (const done of batch) done()
        work()
      }),
    )
  }
  return (done: () => void): void => {
    waiting.push(done)
    if (working) return
    working = true
    // After what comes at the same instant: it belongs to the same batch.
    machine.after(0, work)
  }
}
