/** The presence of things as a caller of the API sees it, and an open `thingUpdated`. */
import type { Client } from './client.ts'

export interface PresenceData {
  id: string
  online: boolean | null
  lastSeenAt: string | null
  tags: string[]
}

const FIELDS = 'id online lastSeenAt tags'

export async function presenceOf(client: Client, id: string): Promise<PresenceData> {
  const { thing } = await client.query<{ thing: PresenceData }>(`query ($id: ID!) { thing(id: $id) { ${FIELDS} } }`, {
    id,
  })
  return thing
}

export interface ThingWatching {
  /** Reads until an update fits. Throws where the subscription ends before. */
  until(fits: (thing: PresenceData) => boolean): Promise<PresenceData>
  /** Resolves at the end of the subscription. */
  ended(): Promise<void>
  close(): Promise<void>
}

/** Resolves once the server listens. */
export async function watchThings(
  service: Client,
  variables: { id?: string; filter?: Record<string, unknown> } = {},
): Promise<ThingWatching> {
  const socket = service.webSocket()
  const query = `subscription ($id: ID, $filter: ThingFilter) { thingUpdated(id: $id, filter: $filter) { ${FIELDS} } }`
  const updates = socket.iterate<{ thingUpdated: PresenceData }>({ query, variables })
  const first = updates.next()
  // Operations of one socket begin in their order: when the second is answered, the first is listened to.
  await socket.iterate({ query: '{ __typename }' }).next()
  let pending: typeof first | undefined = first

  async function next(): Promise<PresenceData | undefined> {
    const result = await (pending ?? updates.next())
    pending = undefined
    if (result.done) return undefined
    if (result.value.errors) throw new Error(JSON.stringify(result.value.errors))
    return result.value.data?.thingUpdated
  }

  return {
    async until(fits) {
      for (let thing = await next(); thing; thing = await next()) if (fits(thing)) return thing
      throw new Error('the subscription ended before')
    },
    async ended() {
      while (await next());
    },
    close: async () => socket.dispose(),
  }
}
