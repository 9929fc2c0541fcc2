/** What things present to the broker. A secret is shown once, when it is issued; what is kept is its hash. */
import { pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { eq, inArray, sql } from 'drizzle-orm'
import { thingSecrets, things } from '../db/schema.ts'
import { isThingId } from '../protocol/topics.ts'
import { type Caller, coversThing, demandManage } from './access.ts'
import { recordAudit } from './audit.ts'
import type { Context } from './context.ts'
import { fail, type Outcome, succeed } from './errors.ts'
import { type Thing, thingNotFound } from './thing.ts'

/** A secret that nobody has been shown yet, and what is kept of it. */
export interface NewSecret {
  secret: string
  hash: string
}

export interface IssuedSecret {
  thing: Thing
  secret: string
}

const SECRET_BYTES = 32
const SALT_BYTES = 12
const HASH_BYTES = 64
/** Mosquitto's own number. More would buy nothing: the secret is 256 random bits, which nobody guesses. */
const ITERATIONS = 101
/** As in Mosquitto's password files. */
const HASH = /^\$7\$(\d{1,7})\$([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+)$/

const derive = promisify(pbkdf2)

export async function makeSecret(): Promise<NewSecret> {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  const salt = randomBytes(SALT_BYTES)
  const hash = await derive(secret, salt, ITERATIONS, HASH_BYTES, 'sha512')
  return { secret, hash: `$7$${ITERATIONS}$${salt.toString('base64')}$${hash.toString('base64')}` }
}

/** Whether this is the secret of that hash. Never throws for what was presented. */
export async function isSecretOf(hash: string, presented: string | Buffer): Promise<boolean> {
  const [, iterations, salt, kept] = HASH.exec(hash) ?? []
  if (!iterations || !salt || !kept) throw new Error('the hash of a secret is not one')
  const expected = Buffer.from(kept, 'base64')
  const found = await derive(presented, Buffer.from(salt, 'base64'), Number(iterations), expected.length, 'sha512')
  return timingSafeEqual(found, expected)
}

/** Gives a thing another secret, or its first one. The one before stops working at once. Errors: THING_NOT_FOUND. */
export async function rotateThingSecret(ctx: Context, caller: Caller, id: string): Promise<Outcome<IssuedSecret>> {
  demandManage(caller, id)
  if (!isThingId(id)) return fail(thingNotFound(id, 'id'))
  const { secret, hash } = await makeSecret()
  const thing = await ctx.db.transaction(async (tx) => {
    // Locked, so that it is not deregistered in between.
    const [found] = await tx.select().from(things).where(eq(things.id, id)).for('key share')
    if (!found || !coversThing(caller.authority, found)) return undefined
    await keepHash(tx, id, hash)
    await recordAudit(tx, caller, { action: 'thing.secret', target: id })
    return found
  })
  if (!thing) return fail(thingNotFound(id, 'id'))
  ctx.onSecretChanged(thing)
  ctx.log.info({ thingId: id, requestId: caller.requestId, by: caller.name }, 'thing has a new secret')
  return succeed({ thing, secret })
}

/** Within the transaction that has the thing. */
export async function keepHash(db: Pick<Context['db'], 'insert'>, thingId: string, hash: string): Promise<void> {
  await db
    .insert(thingSecrets)
    .values({ thingId, hash })
    .onConflictDoUpdate({ target: thingSecrets.thingId, set: { hash, issuedAt: sql`now()` } })
}

/** Those of these things that have a secret. */
export async function findThingsWithSecret(
  { db }: Pick<Context, 'db'>,
  ids: readonly string[],
): Promise<{ thingId: string }[]> {
  return db
    .select({ thingId: thingSecrets.thingId })
    .from(thingSecrets)
    .where(inArray(thingSecrets.thingId, ids.filter(isThingId)))
}
