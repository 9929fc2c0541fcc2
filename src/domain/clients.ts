/** Which thing a client of the broker is, and whether it may come in: looked up together for those that come together. */
import DataLoader from 'dataloader'
import { eq, inArray } from 'drizzle-orm'
import { thingSecrets, things } from '../db/schema.ts'
import type { Context } from './context.ts'
import { isClientId } from './thing.ts'
import { isSecretOf } from './thing-secrets.ts'

/** The thing that connects with a clientId. */
export interface ClientThing {
  thingId: string
  /** Of what it has to present; null: it has no secret. */
  secretHash: string | null
}

/** Undefined where no thing has this clientId. */
export type ClientLookup = (clientId: string) => Promise<ClientThing | undefined>

const MAX_CLIENTS = 500

/** Clients that come at the same time, as all of them do after an outage or a change of the registry, are looked up together. */
export function createClientLookup({ db }: Pick<Context, 'db'>): ClientLookup {
  const loader = new DataLoader<string, ClientThing | undefined>(
    async (clientIds) => {
      const rows = await db
        .select({ clientId: things.clientId, thingId: things.id, secretHash: thingSecrets.hash })
        .from(things)
        .leftJoin(thingSecrets, eq(thingSecrets.thingId, things.id))
        .where(inArray(things.clientId, [...clientIds]))
      const found = new Map(rows.map(({ clientId, ...thing }) => [clientId, thing]))
      return clientIds.map((clientId) => found.get(clientId))
    },
    { cache: false, batchScheduleFn: setImmediate, maxBatchSize: MAX_CLIENTS },
  )
  return async (clientId) => (isClientId(clientId) ? loader.load(clientId) : undefined)
}

/** Whether this is the secret of the thing. One that has none cannot present it. */
export async function isAuthentic(
  { secretHash }: ClientThing,
  presented: string | Buffer | null | undefined,
): Promise<boolean> {
  return secretHash !== null && presented != null && isSecretOf(secretHash, presented)
}
