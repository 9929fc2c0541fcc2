/** How one connection to the broker ended, and what follows from it. Pure, but for mqtt.js' list of reasons. */
import { ReasonCodes } from 'mqtt'
import { ALL_RESPONSES } from '../protocol/topics.ts'
import type { ProtocolVersion } from './link.ts'

export interface Ending {
  version: ProtocolVersion
  /** The broker accepted our CONNECT. */
  accepted: boolean
  /** For how long it had, in milliseconds. */
  lastedMs: number
  /** The last error, with the reason code of a refusing CONNACK, or the code of the system call. */
  error: (Error & { code?: unknown }) | undefined
  /** The reason of an MQTT 5 DISCONNECT from the broker. */
  disconnectReason: number | undefined
}

/** What the connections so far have taught. */
export interface Experience {
  mqtt5: 'untried' | 'works' | 'refused'
  /** Connections in a row that the broker accepted and that were lost at once, while it could be reached. */
  shortLived: number
}

const VERSION_REFUSALS: unknown[] = [1, 132]
const LOGIN_REFUSALS: unknown[] = [4, 5, 134, 135, 138, 140]
const CLIENT_ID_REFUSALS: unknown[] = [2, 133]
const SESSION_TAKEN_OVER = 142
/** Codes of a peer that hung up; any other code means that we did not reach it. */
const HANG_UPS: unknown[] = [undefined, 'ECONNRESET', 'EPIPE']

/** What OpenSSL says of a certificate that it does not accept. */
const UNTRUSTED =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|INVALID_CA$|INVALID_PURPOSE$|ERR_TLS_CERT_ALTNAME_INVALID$)/
/** OpenSSL's own messages are several lines long; its codes say the same. */
const TLS_FAILURE = /^ERR_SSL_(?:(.*_ALERT)_)?(.+)$/

/** So soon that a broker that went away itself is seen to be away, and is not taken for one that threw us off. */
const FIRST_RETRY_MS = 100
const RETRY_MS = 1000
/** After a refusal that a person must look at: no use hurrying, and two clients that throw each other off calm down. */
const RETRY_REFUSED_MS = 5000
/** A connection that lasted this long was sound. */
const SOUND_MS = 5000
/** From so many on it is no accident: the usual cause are two clients that throw each other off, and not every broker says so. */
const SUSPICIOUSLY_SHORT_LIVED = 3

const TAKEN_OVER = 'another client seems to connect with our client id: give each replica an MQTT_CLIENT_ID of its own'

export const SUBSCRIPTION_REFUSED = `the broker does not let us subscribe to ${ALL_RESPONSES}: allow it in the broker's ACL`

/** The ending of a connection that is only beginning, or that never began because of `error`. */
export function newEnding(version: ProtocolVersion, error?: unknown): Ending {
  const cause = error === undefined || error instanceof Error ? error : new Error(String(error))
  return { version, accepted: false, lastedMs: 0, error: cause, disconnectReason: undefined }
}

export function learn(known: Experience, ending: Ending): Experience {
  return { mqtt5: learnMqtt5(known.mqtt5, ending), shortLived: countShortLived(known, ending) }
}

/** A broker that could not be reached in between was away itself, and no other client threw us off. */
function countShortLived({ shortLived }: Experience, { accepted, lastedMs, error }: Ending): number {
  if (accepted) return lastedMs < SOUND_MS ? shortLived + 1 : 0
  return HANG_UPS.includes(error?.code) || typeof error?.code === 'number' ? shortLived : 0
}

function learnMqtt5(known: Experience['mqtt5'], ending: Ending): Experience['mqtt5'] {
  if (ending.version !== 5) return known
  if (ending.accepted) return 'works'
  return VERSION_REFUSALS.includes(ending.error?.code) ? 'refused' : known
}

/** The version to try next. A broker that hangs up on an MQTT 5 CONNECT without a word gets one try of 3.1.1. */
export function nextVersion({ mqtt5 }: Experience, last: Ending): ProtocolVersion {
  if (mqtt5 === 'refused') return 4
  const hungUp = !last.accepted && HANG_UPS.includes(last.error?.code)
  return mqtt5 === 'untried' && last.version === 5 && hungUp ? 4 : 5
}

export function retryDelayMs(known: Experience, last: Ending, next: ProtocolVersion): number {
  if (last.version === 5 && next === 4) return 0
  if (isTakenOver(known, last)) return RETRY_REFUSED_MS
  if (last.accepted) return FIRST_RETRY_MS
  return typeof last.error?.code === 'number' ? RETRY_REFUSED_MS : RETRY_MS
}

/** What is wrong, in a line for whoever runs the service. The same for the same cause, so that it is logged once. */
export function explainEnding(known: Experience, ending: Ending): string {
  const { accepted, error, disconnectReason } = ending
  if (isTakenOver(known, ending)) return TAKEN_OVER
  if (disconnectReason) return `the broker disconnected us (${reasonText(disconnectReason)})`
  const { code } = error ?? {}
  if (LOGIN_REFUSALS.includes(code)) {
    return `the broker refused our login (${reasonText(code)}): check the user and the password in MQTT_URL`
  }
  if (CLIENT_ID_REFUSALS.includes(code))
    return `the broker refused our client id (${reasonText(code)}): set MQTT_CLIENT_ID`
  if (typeof code === 'number') return `the broker refused us (${reasonText(code)})`
  const text = error?.message || String(code)
  if (UNTRUSTED.test(String(code)))
    return `the certificate of the broker is not accepted (${text}): check MQTT_TLS_CA_FILE, and the host in MQTT_URL`
  const tlsFailure = explainTlsFailure(String(code))
  if (tlsFailure) return tlsFailure
  // An AggregateError (each address of a host name was refused) has a code and no message.
  if (error) return text
  return accepted ? 'the connection was lost' : 'the broker hung up before it answered'
}

function explainTlsFailure(code: string): string | undefined {
  const [, alert, what] = TLS_FAILURE.exec(code) ?? []
  if (!what) return undefined
  const words = what.toLowerCase().replaceAll('_', ' ')
  // The other side ended it, because of what we showed or did not show.
  if (alert)
    return `the broker refused the TLS connection (${words}): check MQTT_TLS_CERT_FILE, if it asks for a certificate`
  return `no TLS with the broker (${words}): check the scheme and the port in MQTT_URL`
}

function isTakenOver({ shortLived }: Experience, { accepted, disconnectReason }: Ending): boolean {
  return accepted && (disconnectReason === SESSION_TAKEN_OVER || shortLived >= SUSPICIOUSLY_SHORT_LIVED)
}

const reasonText = (code: unknown): string => {
  const texts: Record<number, string | undefined> = ReasonCodes
  return (typeof code === 'number' && texts[code]) || `reason ${code}`
}
