import { and, asc, desc, eq, gt, inArray, lt, sql } from 'drizzle-orm'
import { isForeignKeyViolation, isUniqueViolation } from '../db/errors.ts'
import { byCode, thingPresence, things } from '../db/schema.ts'
import { isThingId } from '../protocol/topics.ts'
import { type Caller, coversThing, coversType, demandManage } from './access.ts'
import { recordAudit } from './audit.ts'
import type { Context } from './context.ts'
import { Forbidden, fail, type Outcome, succeed, type UserError, userError } from './errors.ts'
import type { Page } from './paging.ts'
import { storableText } from './text.ts'
import { isClientId, type Thing, type ThingFilter, thingCondition, thingNotFound } from './thing.ts'
import { keepHash, makeSecret } from './thing-secrets.ts'

export interface ThingInput {
  id: string
  /** The MQTT clientId that the thing connects with. */
  clientId?: string | null | undefined
  thingType?: string | null | undefined
  tags?: readonly string[] | null | undefined
}

const MAX_TAGS = 50
const MAX_TAG = 64
/** Not now(), when the transaction began: changes are followed by this instant, and it shall be no older than their lock (horizon.ts). */
const STATEMENT_TIME = sql`statement_timestamp()`

export async function findThings({ db }: Pick<Context, 'db'>, ids: readonly string[]): Promise<Thing[]> {
  return db
    .select()
    .from(things)
    .where(inArray(things.id, ids.filter(isThingId)))
}

/** Things by id. */
export async function listThings(
  { db }: Pick<Context, 'db'>,
  filter: ThingFilter,
  { after, before, limit, inverted }: Page,
): Promise<Thing[]> {
  // In the order of the index that finds them: as many are read as are wanted.
  const id = filter.idPrefix ? byCode(things.id) : sql`${things.id}`
  return db
    .select()
    .from(things)
    .where(and(thingCondition(filter), after ? gt(id, after) : undefined, before ? lt(id, before) : undefined))
    .orderBy(inverted ? desc(id) : asc(id))
    .limit(limit)
}

/** A thing that was registered just now, and its secret where one was asked for: it is not to be had again. */
export interface Registration {
  thing: Thing
  secret: string | null
}

/** Errors: INPUT_INVALID, THING_ALREADY_REGISTERED, CLIENT_ID_TAKEN, THING_TYPE_NOT_FOUND. */
export async function registerThing(
  ctx: Context,
  caller: Caller,
  { issueSecret, ...input }: ThingInput & { issueSecret?: boolean | null | undefined },
): Promise<Outcome<Registration>> {
  demandManage(caller, input.id)
  const errors = findProblems(input)
  if (errors.length > 0) return fail(...errors)
  demandType(caller, input.thingType ?? null)
  const issued = issueSecret ? await makeSecret() : undefined
  const outcome = await storeThing(ctx, caller, { input, action: 'thing.register' }, async (db) => {
    const registered = await insertThing(db, input)
    if (issued && !('code' in registered)) await keepHash(db, registered.id, issued.hash)
    return registered
  })
  return outcome.ok ? succeed({ thing: outcome.value, secret: issued?.secret ?? null }) : outcome
}

async function insertThing(db: Transaction, { id, clientId, thingType, tags }: ThingInput): Promise<Thing | UserError> {
  const values = {
    id,
    clientId: clientId ?? id,
    thingType: thingType ?? null,
    tags: [...new Set(tags ?? [])],
    createdAt: STATEMENT_TIME,
    updatedAt: STATEMENT_TIME,
  }
  // Of two at once, the second one may be told of either index: which of them it was is asked afterwards.
  const [thing] = await db.insert(things).values(values).onConflictDoNothing().returning()
  if (thing) return thing
  const [namesake] = await findThings({ db }, [id])
  return namesake
    ? userError('THING_ALREADY_REGISTERED', ['id'], `A thing ${id} is registered already.`)
    : clientIdTaken(values.clientId)
}

/** Changes what is given; a null type takes the type away. Errors: as registerThing, and THING_NOT_FOUND. */
export async function updateThing(ctx: Context, caller: Caller, input: ThingInput): Promise<Outcome<Thing>> {
  demandManage(caller, input.id)
  if (input.thingType !== undefined) demandType(caller, input.thingType)
  if (!isThingId(input.id)) return fail(thingNotFound(input.id, 'id'))
  const errors = findProblems(input)
  if (errors.length > 0) return fail(...errors)
  const { id, clientId, thingType, tags } = input
  const changes = {
    ...(clientId != null && { clientId }),
    ...(thingType !== undefined && { thingType }),
    ...(tags != null && { tags: [...new Set(tags)] }),
    updatedAt: STATEMENT_TIME,
  }
  return storeThing(ctx, caller, { input, action: 'thing.update' }, async (db) => {
    const [before] = await db.select().from(things).where(eq(things.id, id)).for('update')
    if (!before || !coversThing(caller.authority, before)) return thingNotFound(id, 'id')
    const [updated] = await db.update(things).set(changes).where(eq(things.id, id)).returning()
    if (before.clientId !== updated?.clientId) await forgetClient(db, id)
    return updated ?? thingNotFound(id, 'id')
  })
}

/** Of a client that the thing has not had before nothing is known yet. */
async function forgetClient(db: Pick<Context['db'], 'update'>, id: string): Promise<void> {
  await db
    .update(thingPresence)
    .set({ online: null, updatedAt: sql`clock_timestamp()` })
    .where(eq(thingPresence.thingId, id))
}

/** Removes the thing; its executions stay, and open ones run to their end. Errors: THING_NOT_FOUND. */
export async function deregisterThing(ctx: Context, caller: Caller, id: string): Promise<Outcome<Thing>> {
  demandManage(caller, id)
  if (!isThingId(id)) return fail(thingNotFound(id, 'id'))
  return storeThing(ctx, caller, { input: { id }, action: 'thing.deregister' }, async (db) => {
    const [before] = await db.select().from(things).where(eq(things.id, id)).for('update')
    if (!before || !coversThing(caller.authority, before)) return thingNotFound(id, 'id')
    await db.delete(things).where(eq(things.id, id))
    return before
  })
}

const clientIdTaken = (clientId: string): UserError =>
  userError('CLIENT_ID_TAKEN', ['clientId'], `Another thing has the clientId ${clientId}.`)

interface Change {
  input: ThingInput
  action: 'thing.register' | 'thing.update' | 'thing.deregister'
}

type Transaction = Parameters<Parameters<Context['db']['transaction']>[0]>[0]

/** With its entry in the audit, or not at all. */
async function storeThing(
  ctx: Context,
  caller: Caller,
  { input, action }: Change,
  store: (db: Transaction) => Promise<Thing | UserError>,
): Promise<Outcome<Thing>> {
  const { id, clientId, thingType } = input
  try {
    const stored = await ctx.db.transaction(async (tx) => {
      const thing = await store(tx)
      if (!('code' in thing)) await recordAudit(tx, caller, { action, target: id, details: describe(thing) })
      return thing
    })
    if ('code' in stored) return fail(stored)
    ctx.onThingsChanged(stored)
    ctx.thingNews.note([id])
    ctx.log.info({ thingId: id, requestId: caller.requestId, by: caller.name }, action)
    return succeed(stored)
  } catch (error) {
    if (isUniqueViolation(error)) {
      return fail(clientIdTaken(clientId ?? id))
    }
    if (!isForeignKeyViolation(error)) throw error
    return fail(
      userError('THING_TYPE_NOT_FOUND', ['thingType'], `There is no Thing Type ${JSON.stringify(thingType)}.`),
    )
  }
}

const describe = ({ clientId, thingType, tags }: Thing) => ({ clientId, thingType, tags })

/** Whoever is narrowed to some types may give a thing these only. */
function demandType({ authority }: Caller, thingType: string | null): void {
  if (!coversType(authority, thingType))
    throw new Forbidden(`you may manage things of types that match ${(authority.thingTypes ?? []).join(', ')}`)
}

function findProblems({ id, clientId, thingType, tags }: ThingInput): UserError[] {
  const errors: UserError[] = []
  if (!isThingId(id)) {
    errors.push(userError('INPUT_INVALID', ['id'], 'id: expected 1 to 128 characters of A-Z, a-z, 0-9, _ . : and -'))
  }
  if (clientId != null && !isClientId(clientId)) {
    errors.push(
      userError('INPUT_INVALID', ['clientId'], 'clientId: expected 1 to 128 printable ASCII characters without spaces'),
    )
  }
  if (thingType != null && !isThingId(thingType)) {
    errors.push(userError('THING_TYPE_NOT_FOUND', ['thingType'], 'thingType: expected the name of a Thing Type'))
  }
  if (tags && tags.length > MAX_TAGS) {
    errors.push(userError('INPUT_INVALID', ['tags'], `tags: expected at most ${MAX_TAGS}`))
  }
  for (const [index, tag] of (tags ?? []).slice(0, MAX_TAGS).entries())
    errors.push(...storableText(['tags', String(index)], tag, 1, MAX_TAG))
  return errors
}
