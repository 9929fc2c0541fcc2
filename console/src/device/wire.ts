/** A device's link to the embedded broker: MQTT 3.1.1 over a WebSocket of this page's own address. */
import type { MqttClient } from 'mqtt'
import { requestFilter } from './protocol.ts'

export interface WireOptions {
  thingId: string
  clientId: string
  /** The secret of the thing, where the broker asks for it. */
  secret: string | undefined
  /** Where the service takes MQTT: /mqtt. */
  path: string
}

export interface WireHandlers {
  onConnected(): void
  onLost(): void
  /** For good: it is not tried again. */
  onRefused(why: string, isSecretWanted: boolean): void
  onMessage(topic: string, payload: Uint8Array): void
}

export interface Wire {
  /** Resolves once the broker has it: it is kept, and sent again after a broken link. */
  publish(topic: string, payload: string): Promise<unknown>
  close(): void
}

const RECONNECT_MS = 1_000
/** In a tab that is hidden, browsers let timers ring once in a minute: twice as long is in time for the broker. */
const KEEPALIVE_SECONDS = 120
/** Who is thrown off so soon after each connect, so often, is not alone with its client id. */
const SOON_MS = 3_000
const MAX_THROWN_OFF = 3
/** Of MQTT 3.1.1: bad user name or password, not authorised. */
const CREDENTIAL_CODES = [4, 5]

export async function openWire(options: WireOptions, handlers: WireHandlers): Promise<Wire> {
  const { thingId, clientId, secret, path } = options
  const { default: mqtt } = await import('mqtt')
  const client = mqtt.connect(`${location.origin.replace(/^http/, 'ws')}${path}`, {
    clientId,
    protocolVersion: 4,
    // What comes while a reload of the broker throws us off waits for us.
    clean: false,
    ...(secret && { username: thingId, password: secret }),
    keepalive: KEEPALIVE_SECONDS,
    reconnectPeriod: RECONNECT_MS,
    resubscribe: false,
    // The page's policy (CSP) need not allow workers that are made of text.
    timerVariant: 'native',
    manualConnect: true,
  })
  follow(client, options, handlers)
  client.connect()
  return {
    publish: (topic, payload) => client.publishAsync(topic, payload, { qos: 1 }),
    close: () => void client.end(),
  }
}

function follow(client: MqttClient, { thingId }: WireOptions, handlers: WireHandlers): void {
  let connectedAt: number | undefined
  let thrownOff = 0
  let isRefused = false
  const refuse = (why: string, isSecretWanted = false) => {
    isRefused = true
    client.end(true)
    handlers.onRefused(why, isSecretWanted)
  }
  client.on('message', (topic, payload) => handlers.onMessage(topic, payload))
  client.on('connect', () => {
    connectedAt = Date.now()
    client.subscribe(requestFilter(thingId), { qos: 1 }, (error) => {
      if (!error) return handlers.onConnected()
      if (client.connected) refuse(`The broker does not let it subscribe: is ${thingId} registered?`)
    })
  })
  client.on('error', (error) => {
    if (!CREDENTIAL_CODES.some((code) => 'code' in error && error.code === code)) return
    refuse('The broker refused the secret: missing, wrong, or of before it was rotated.', true)
  })
  client.on('close', () => {
    if (isRefused || client.disconnecting) return
    const isSoon = connectedAt !== undefined && Date.now() - connectedAt < SOON_MS
    thrownOff = isSoon ? thrownOff + 1 : 0
    connectedAt = undefined
    if (thrownOff >= MAX_THROWN_OFF)
      return refuse('Something else connects with its client id: they would throw each other off, for ever.')
    handlers.onLost()
  })
}
