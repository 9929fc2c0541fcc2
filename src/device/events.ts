/** What a device says of itself, and how that reads as a line of text. */
import type { JsonObject } from '../protocol/json.ts'
import type { ResponseStatus } from '../protocol/messages.ts'
import type { Remembered } from './behaviour.ts'
import type { MqttVersion } from './connection.ts'
import { describeRefusal, type Refusal } from './refusal.ts'

export type DeviceNews =
  /** It is subscribed and gets requests. `sessionPresent`: the broker may have kept some for it. */
  | { kind: 'connected'; broker: string; clientId: string; protocol: MqttVersion; sessionPresent: boolean }
  /** The link is gone, or could not be made. It tries again by itself. */
  | { kind: 'disconnected'; broker: string; why: string }
  /** It acts on a request now. */
  | { kind: 'request'; executionId: string; action: string; params: JsonObject; secondsLeft: number }
  /** It ignored a request that came too late. */
  | { kind: 'expired'; executionId: string; action: string; secondsLate: number }
  /** A request came again. Where it was `answered`, the same answer goes out again. */
  | { kind: 'repeated'; executionId: string; action: string; remembered: Remembered['kind'] }
  /** The broker has the answer. */
  | {
      kind: 'answered'
      executionId: string
      status: ResponseStatus
      payload: string
      fromMemory: boolean
      tookMs: number
    }
  /** The broker does not let it in, listen or answer: somebody must do something. */
  | ({ kind: 'refused' } & Refusal)
  /** Something unexpected that it survived. */
  | { kind: 'error'; message: string }

export type DeviceEvent = { thingId: string; at: Date } & DeviceNews

const MAX_DETAIL_CHARACTERS = 200

/** An outage is told once, however often the device tries again, and again once something else is the matter. */
export function tellOutagesOnce(thingId: string, onEvent?: (event: DeviceEvent) => void): (news: DeviceNews) => void {
  let outage: string | undefined
  return (news) => {
    if (news.kind === 'connected') outage = undefined
    if (news.kind === 'disconnected' || (news.kind === 'refused' && news.what !== 'response')) {
      const said = JSON.stringify(news)
      if (said === outage) return
      outage = said
    }
    onEvent?.({ thingId, at: new Date(), ...news })
  }
}

/** One line of text for people: local time, the thing, what happened. Nothing in it can break out of the line. */
export function formatDeviceEvent(event: DeviceEvent): string {
  return `${formatTime(event.at)} ${event.thingId} ${oneLine(describe(event))}`
}

function describe(event: DeviceNews): string {
  switch (event.kind) {
    case 'connected':
      return describeConnected(event)
    case 'disconnected':
      return `disconnected from ${event.broker}: ${event.why}; trying again`
    case 'request':
      return `request ${event.action} ${brief(event.params)}, ${seconds(event.secondsLeft)} left (${event.executionId})`
    case 'expired':
      return `ignored ${event.action}, expired ${seconds(event.secondsLate)} ago (${event.executionId})`
    case 'repeated':
      return `repeated ${event.action}, ${REPEATED[event.remembered]} (${event.executionId})`
    case 'answered':
      return `answered ${event.status}${event.fromMemory ? ' again' : ''} in ${event.tookMs} ms (${event.executionId})`
    case 'refused':
      return describeRefusal(event)
    case 'error':
      return `error: ${event.message}`
  }
}

const REPEATED: Record<Remembered['kind'], string> = {
  acting: 'still acting on the first one',
  silent: 'silent as the first time',
  answered: 'not acted on again; answering from memory',
}

function describeConnected(event: Extract<DeviceNews, { kind: 'connected' }>): string {
  const session = event.sessionPresent ? ', session resumed' : ''
  return `connected to ${event.broker} as ${event.clientId} (MQTT ${event.protocol}${session})`
}

const seconds = (value: number): string => `${value.toFixed(1)} s`

/** Params that fit on the line. The text keeps its start: that is where the names are. */
function brief(params: JsonObject): string {
  const text = JSON.stringify(params)
  return text.length > MAX_DETAIL_CHARACTERS ? `${text.slice(0, MAX_DETAIL_CHARACTERS)}…` : text
}

const formatTime = (at: Date): string =>
  `${at.toTimeString().slice(0, 8)}.${String(at.getMilliseconds()).padStart(3, '0')}`

/** Names and reasons come from elsewhere: no line break and no terminal escape of theirs may reach the terminal. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
