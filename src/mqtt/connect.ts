/** Keeps one connection to the broker: connect, subscribe to the responses, and again after each loss. */
import type { MqttClient } from 'mqtt'
import type { Logger } from '../base/log.ts'
import {
  type Ending,
  type Experience,
  explainEnding,
  learn,
  newEnding,
  nextVersion,
  retryDelayMs,
  SUBSCRIPTION_REFUSED,
} from './ending.ts'
import {
  type BrokerLink,
  cutConnection,
  describeLink,
  newClient,
  openConnection,
  type ProtocolVersion,
} from './link.ts'

export interface Connector {
  /** Starts to connect. Resolves once subscribed, at the first problem (it goes on trying), or after 3 s; never rejects. */
  start(): Promise<void>
  /** The client of the connection that requests can go out on: connected and subscribed. */
  current(): MqttClient | undefined
  /** Why there is none, in a line for whoever runs the service. */
  problem(): string | undefined
  /** How often requests could go out, and again after a loss. */
  connectionCount(): number
  /** Ends a connection that has proved dead; the next one follows. */
  cut(client: MqttClient, why: string): void
  /** Disconnects, and the broker keeps our session. */
  stop(): Promise<void>
}

export interface ConnectorOptions {
  link: BrokerLink
  log: Logger
  /** The filter under which the responses come. */
  responses: string
  /** Called with each new client before it connects, to register what listens to it. */
  prepare: (client: MqttClient) => void
  /** Called with a client that has connected, before it subscribes. Resolves with what is in the way, if anything is. Never rejects. */
  check: (client: MqttClient) => Promise<string | undefined>
  /** Whether we read nothing at present: then the silence is ours, and not the broker's. */
  isHoldingBack: () => boolean
  /** Called when requests can go out, and their responses come in. */
  onReady: (client: MqttClient) => void
}

const START_PATIENCE_MS = 3000
const SUBACK_DEADLINE_MS = 10_000
const RESUBSCRIBE_MS = 5000
const DISCONNECT_DEADLINE_MS = 2000

export function keepConnected(options: ConnectorOptions): Connector {
  const { link, log, responses, prepare, check, isHoldingBack, onReady } = options
  const broker = describeLink(link)
  const wake = new AbortController()
  let running = false
  let isStarting = false
  let client: MqttClient | undefined
  let subscribed = false
  let problem: string | undefined = 'not connected yet'
  /** What the broker did not let us do, the last time it did not. */
  let refusal: string | undefined
  let connectionCount = 0
  let loop = Promise.resolve()
  let onFirstWord = () => {}

  return {
    start,
    current,
    problem: () => (current() ? undefined : (problem ?? 'connecting')),
    connectionCount: () => connectionCount,
    cut,
    stop,
  }

  async function start(): Promise<void> {
    running = true
    isStarting = true
    const firstWord = new Promise<void>((resolve) => {
      onFirstWord = resolve
    })
    loop = stayConnected()
    const patience = new AbortController()
    await Promise.race([firstWord, pause(START_PATIENCE_MS, patience.signal)])
    patience.abort()
    isStarting = false
  }

  function current(): MqttClient | undefined {
    return subscribed && client?.connected ? client : undefined
  }

  async function stayConnected(): Promise<void> {
    let known: Experience = { mqtt5: link.kind === 'embedded' ? 'refused' : 'untried', shortLived: 0 }
    let version: ProtocolVersion = link.kind === 'embedded' ? 4 : 5
    while (running) {
      const ending = await connectOnce(version).catch((error) => newEnding(version, error))
      if (!running) return
      known = learn(known, ending)
      version = nextVersion(known, ending)
      const delayMs = retryDelayMs(known, ending, version)
      // What the broker refuses stays the cause where the connection ends as well.
      const isStillRefused = problem !== undefined && problem === refusal && ending.accepted
      if (delayMs > 0 && !isStillRefused) noteProblem(explainEnding(known, ending))
      await pause(delayMs, wake.signal)
    }
  }

  /** One connection, from CONNECT to its end; the promise is of its end. Rejects where not even a stream can be made. */
  function connectOnce(version: ProtocolVersion): Promise<Ending> {
    return new Promise((resolve) => {
      const ending = newEnding(version)
      const opened = newClient(link, version)
      let acceptedAt: number | undefined
      opened.on('connect', () => {
        ending.accepted = true
        acceptedAt = performance.now()
        void enter(opened, version)
      })
      opened.on('disconnect', (packet) => {
        ending.disconnectReason = packet.reasonCode
      })
      opened.on('error', (error) => {
        ending.error = error
        opened.stream?.destroy()
      })
      opened.on('close', () => {
        subscribed = false
        client = undefined
        if (acceptedAt !== undefined) ending.lastedMs = performance.now() - acceptedAt
        resolve(ending)
      })
      prepare(opened)
      client = opened
      openConnection(opened)
      // Over a WebSocket mqtt.js keeps what is wrong with a certificate to itself.
      opened.stream.once('error', (error) => {
        ending.error ??= error
      })
    })
  }

  async function enter(opened: MqttClient, version: ProtocolVersion): Promise<void> {
    const obstacle = await check(opened)
    if (client !== opened) return
    if (obstacle && isStarting) {
      // Whoever starts us gives up for it, and says so itself.
      problem = obstacle
      onFirstWord()
    }
    if (obstacle) noteRefusal(opened, obstacle, () => void enter(opened, version))
    else subscribe(opened, version)
  }

  /** The connection stays, and it is tried again now and then: somebody may mend the broker. */
  function noteRefusal(opened: MqttClient, found: string, tryAgain: () => void): void {
    refusal = found
    noteProblem(found)
    const retry = setTimeout(tryAgain, RESUBSCRIBE_MS)
    opened.once('close', () => clearTimeout(retry))
  }

  function subscribe(opened: MqttClient, version: ProtocolVersion): void {
    let deadline = setTimeout(onDeadline, SUBACK_DEADLINE_MS)
    // rh 2: no retained messages, which are no fresh answers (MQTT 5, 3.8.3.1).
    const options = version === 5 ? ({ qos: 1, rh: 2 } as const) : ({ qos: 1 } as const)
    opened.subscribe(responses, options, (error, _granted, suback) => {
      clearTimeout(deadline)
      if (client !== opened) return
      if (!error) return noteReady(opened, version)
      if (!suback) return cut(opened, 'our SUBSCRIBE failed')
      noteRefusal(opened, SUBSCRIPTION_REFUSED, () => subscribe(opened, version))
    })
    opened.once('close', () => clearTimeout(deadline))

    function onDeadline(): void {
      if (isHoldingBack()) deadline = setTimeout(onDeadline, SUBACK_DEADLINE_MS)
      else cut(opened, 'the broker did not answer our SUBSCRIBE')
    }
  }

  function noteReady(opened: MqttClient, version: ProtocolVersion): void {
    subscribed = true
    connectionCount += 1
    problem = undefined
    log.info({ broker, mqtt: version === 5 ? '5.0' : '3.1.1' }, 'connected to the MQTT broker')
    onFirstWord()
    onReady(opened)
  }

  /** Logs a change of the problem only: an outage of an hour is one line, not one for each attempt. */
  function noteProblem(found: string): void {
    if (found === problem) return
    problem = found
    onFirstWord()
    if (running) log.error({ broker, problem }, 'the MQTT broker is not available; commands cannot be sent')
  }

  function cut(dead: MqttClient, why: string): void {
    if (dead !== client) return
    log.warn({ broker, why }, 'cutting the connection to the MQTT broker')
    cutConnection(dead)
  }

  async function stop(): Promise<void> {
    const last = client
    const isOpen = current() !== undefined
    running = false
    problem = 'stopped'
    onFirstWord()
    subscribed = false
    wake.abort()
    if (!last) return loop
    const deadline = setTimeout(() => cutConnection(last), DISCONNECT_DEADLINE_MS)
    last.end(!isOpen)
    await loop
    clearTimeout(deadline)
  }
}

/** Resolves after `ms`, or as soon as the signal says. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
  })
}
