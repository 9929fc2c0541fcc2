/** What a broker would not do for a device, and what its owner can do about it. */

export interface Refusal {
  what: 'connection' | 'subscription' | 'response'
  why: string
  advice: string
}

const WRONG_PROTOCOL = 'the broker speaks neither MQTT 5 nor 3.1.1: check the URL'
const WRONG_CLIENT_ID = 'give another client id: the broker does not accept this one'
const WRONG_CREDENTIALS = 'check the username and the password'
const NOT_ALLOWED = 'check the credentials, and that the broker lets this client id in'

/** CONNACK codes of MQTT 3.1.1 and 5 that only a person can change. The others (busy, shutting down) pass by themselves. */
const CONNECTION_ADVICE = new Map([
  [1, WRONG_PROTOCOL],
  [132, WRONG_PROTOCOL],
  [2, WRONG_CLIENT_ID],
  [133, WRONG_CLIENT_ID],
  [4, WRONG_CREDENTIALS],
  [134, WRONG_CREDENTIALS],
  [140, WRONG_CREDENTIALS],
  [5, NOT_ALLOWED],
  [135, NOT_ALLOWED],
  [138, NOT_ALLOWED],
])

/** The reason code of an error of the MQTT library; none where it is a broken link. */
export function reasonCodeOf(error: Error): number | undefined {
  return 'code' in error && typeof error.code === 'number' ? error.code : undefined
}

/** Whether the broker refused this version of MQTT: code 1 from those that know 3.1.1 only, 132 from later ones. */
export const isProtocolRefusal = (error: Error): boolean => [1, 132].includes(reasonCodeOf(error) ?? 0)

/** A CONNACK that will not change by trying again, or undefined. */
export function connectionRefusal(error: Error): Refusal | undefined {
  const advice = CONNECTION_ADVICE.get(reasonCodeOf(error) ?? 0)
  return advice === undefined ? undefined : { what: 'connection', why: reasonOf(error), advice }
}

/** A SUBACK that says no. */
export function subscriptionRefusal(error: Error, clientId: string, filter: string): Refusal {
  const advice =
    `register the thing with the client id ${clientId} (mutation registerThing), or let this client subscribe to ` +
    `${filter} in the access rules of the broker`
  return { what: 'subscription', why: reasonOf(error), advice }
}

/** A response that did not get through. */
export function responseRefusal(error: unknown, topic: string): Refusal {
  return {
    what: 'response',
    why: reasonOf(error),
    advice: `let this client publish to ${topic} in the access rules of the broker`,
  }
}

/** The words of mqtt.js without those that ours repeat. */
function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  if (text === 'Message removed') return 'the link broke each time it was sent'
  return text.replace(/^(Connection refused|Subscribe error|Publish error): /, '')
}

/** The refusal as one sentence for people. */
export const describeRefusal = ({ what, why, advice }: Refusal): string =>
  `the broker refused the ${what}: ${why}. What to do: ${advice}`
