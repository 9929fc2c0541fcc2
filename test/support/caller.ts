import { type Caller, EVERYTHING } from '../../src/domain/access.ts'
import { type Client, createClient } from './client.ts'

/** As a service without keys knows whoever asks. */
export const ANYBODY: Caller = { name: null, address: null, authority: EVERYTHING }

export interface KeyInput {
  role: 'VIEWER' | 'OPERATOR' | 'ADMIN'
  things?: string[]
  thingTypes?: string[]
  actions?: string[]
  expiresAt?: string
}

/** A client with a key that `admin` makes. With the first one the service stops to let anybody in. */
export async function clientWithKey(admin: Client, input: KeyInput): Promise<Client & { keyId: string }> {
  const { createApiKey } = await admin.query<{
    createApiKey: { apiKey: { id: string } | null; secret: string | null; errors: { message: string }[] }
  }>(
    'mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { apiKey { id } secret errors { message } } }',
    { input: { name: 'test', ...input } },
  )
  const { apiKey, secret, errors } = createApiKey
  if (!apiKey || !secret) throw new Error(JSON.stringify(errors))
  return { ...createClient(admin.url, basic(apiKey.id, secret)), keyId: apiKey.id }
}

export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
