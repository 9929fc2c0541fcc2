/** Brings filters to the broker, some at a time: what is asked for while a packet is on its way goes in the next one. */
import { setImmediate as nextTick } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'

export interface Lane {
  /** Begins, in the next tick, where there is something to bring and a connection. */
  start(): void
  /** Resolves when nothing is on its way. */
  done(): Promise<void> | undefined
}

export interface LaneOptions {
  /** What waits: the lane takes it out. */
  filters: Set<string>
  client: () => MqttClient | undefined
  send: (client: MqttClient, some: string[]) => Promise<void>
}

/** 110 bytes each: a packet of some 55 KB. */
const MAX_FILTERS_IN_PACKET = 500

export function createLane({ filters, client, send }: LaneOptions): Lane {
  let running: Promise<void> | undefined
  return { start, done: () => running }

  function start(): void {
    if (running || !client() || filters.size === 0) return
    // In the next tick, so that what is asked for together goes in one packet.
    running = nextTick()
      .then(run)
      .finally(() => {
        running = undefined
        start()
      })
  }

  async function run(): Promise<void> {
    for (let connection = client(); connection && filters.size > 0; connection = client()) {
      await send(connection, takeFirst(filters, MAX_FILTERS_IN_PACKET))
    }
  }
}

function takeFirst(filters: Set<string>, max: number): string[] {
  const taken: string[] = []
  for (const filter of filters) {
    if (taken.length === max) break
    taken.push(filter)
  }
  for (const filter of taken) filters.delete(filter)
  return taken
}
