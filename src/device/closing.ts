/** How a device leaves its broker. */
import { setTimeout as delay } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'

const CLOSE_PATIENCE_MS = 1000
/** The other end of a stream in this process need not close with ours, and nothing is on the way there for long. */
const IN_PROCESS_PATIENCE_MS = 50

/** Lets answers that are on their way arrive, but not for ever, and leaves the session with the broker. */
export async function closeClient(
  client: MqttClient,
  inFlight: Set<Promise<unknown>>,
  inProcess: boolean,
): Promise<void> {
  const patience = new AbortController()
  const arrived = Promise.allSettled(inFlight).finally(() => patience.abort())
  if (client.connected) await Promise.race([arrived, delay(CLOSE_PATIENCE_MS, undefined, patience).catch(() => {})])
  // Whatever still waits for the broker would keep a gentle end waiting; and a frozen broker never closes its side.
  const frozen = setTimeout(() => client.stream.destroy(), inProcess ? IN_PROCESS_PATIENCE_MS : CLOSE_PATIENCE_MS)
  await endForGood(client, !client.connected || Object.keys(client.outgoing).length > 0)
  clearTimeout(frozen)
}

/** An ended client of mqtt.js that was refused or not yet connected would reconnect: its close comes after its end. */
export function endForGood(client: MqttClient, force: boolean): Promise<void> {
  client.options.reconnectPeriod = 0
  return client.endAsync(force)
}
