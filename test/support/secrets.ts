/** Things with secrets, as a caller of the API gets them, and what a client presents. */
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import type { Client, UserErrorData } from './client.ts'

export interface SecretPayload {
  thing: { id: string; hasSecret: boolean } | null
  secret: string | null
  errors: UserErrorData[]
}

const PAYLOAD = '{ thing { id hasSecret } secret errors { code message path } }'

export async function registerWithSecret(
  client: Client,
  input: Record<string, unknown> & { id: string },
): Promise<SecretPayload> {
  const { registerThing } = await client.query<{ registerThing: SecretPayload }>(
    `mutation ($input: RegisterThingInput!) { registerThing(input: $input) ${PAYLOAD} }`,
    { input: { issueSecret: true, ...input } },
  )
  return registerThing
}

export async function rotateSecret(client: Client, id: string): Promise<SecretPayload> {
  const { rotateThingSecret } = await client.query<{ rotateThingSecret: SecretPayload }>(
    `mutation ($id: ID!) { rotateThingSecret(id: $id) ${PAYLOAD} }`,
    { id },
  )
  return rotateThingSecret
}

/** Registers a thing, and gives what its device signs in with. */
export async function loginOf(client: Client, id: string): Promise<{ username: string; password: string }> {
  const { secret, errors } = await registerWithSecret(client, { id })
  if (!secret) throw new Error(JSON.stringify(errors))
  return { username: id, password: secret }
}

/** A connection that is not tried again. Rejects where it is refused. */
export async function connectOnce(url: string, options: IClientOptions): Promise<MqttClient> {
  const client = mqtt.connect(url, { protocolVersion: 4, reconnectPeriod: 0, ...options })
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve())
    client.on('error', reject)
    client.once('close', () => reject(new Error('closed')))
  })
  return client
}

/** Publishes, and resolves once the broker has dealt with it, by a PUBACK or by hanging up. */
export function publishAnyhow(
  client: MqttClient,
  topic: string,
  payload: string,
  options: { qos?: 0 | 1; retain?: boolean } = {},
): Promise<void> {
  return new Promise((resolve) => {
    client.once('close', () => resolve())
    client.publish(topic, payload, { qos: 1, ...options }, () => resolve())
  })
}

export const closing = (client: MqttClient): Promise<void> =>
  new Promise((resolve) => {
    client.once('close', () => resolve())
  })
