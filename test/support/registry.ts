/** Things and types as a caller of the API manages them. */
import type { Client, UserErrorData } from './client.ts'

export interface ThingTypeData {
  name: string
  version: string
  description: string | null
  commands: {
    name: string
    description: string | null
    paramsSchema: unknown
    resultSchema: unknown
    defaultTtl: number | null
  }[]
}

export interface ThingData {
  id: string
  clientId: string
  tags: string[]
  createdAt: string
  updatedAt: string
  type: { name: string; version: string } | null
}

export interface ThingTypePayload {
  thingType: ThingTypeData | null
  errors: UserErrorData[]
}

export interface ThingPayload {
  thing: ThingData | null
  errors: UserErrorData[]
}

const ERRORS = 'errors { code message path executionId }'
const TYPE = `thingType {
  name version description commands { name description paramsSchema resultSchema defaultTtl }
} ${ERRORS}`
const THING = `thing { id clientId tags createdAt updatedAt type { name version } } ${ERRORS}`

async function mutate<T>(client: Client, text: string, variables: unknown): Promise<T> {
  const { payload } = await client.query<{ payload: T }>(text, variables)
  return payload
}

export const defineType = (client: Client, input: Record<string, unknown>): Promise<ThingTypePayload> =>
  mutate(client, `mutation ($input: DefineThingTypeInput!) { payload: defineThingType(input: $input) { ${TYPE} } }`, {
    input,
  })

export const deleteType = (client: Client, name: string): Promise<ThingTypePayload> =>
  mutate(client, `mutation ($name: ID!) { payload: deleteThingType(name: $name) { ${TYPE} } }`, { name })

export const registerThing = (client: Client, input: Record<string, unknown>): Promise<ThingPayload> =>
  mutate(client, `mutation ($input: RegisterThingInput!) { payload: registerThing(input: $input) { ${THING} } }`, {
    input,
  })

export const updateThing = (client: Client, input: Record<string, unknown>): Promise<ThingPayload> =>
  mutate(client, `mutation ($input: UpdateThingInput!) { payload: updateThing(input: $input) { ${THING} } }`, { input })

export const deregisterThing = (client: Client, id: string): Promise<ThingPayload> =>
  mutate(client, `mutation ($id: ID!) { payload: deregisterThing(id: $id) { ${THING} } }`, { id })
