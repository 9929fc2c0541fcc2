import { and, asc, desc, eq, gt, inArray, lt, sql } from 'drizzle-orm'
import { isForeignKeyViolation, isUniqueViolation } from '../db/errors.ts'
import { thingPresence, things } from '../db/schema.ts'
import { isThingId } from '../protocol/topics.ts'
import type { Context } from './context.ts'
import { fail, type Outcome, succeed, type UserError, userError } from './errors.ts'
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
  return db
    .select()
    .from(things)
    .where(
      and(thingCondition(filter), after ? gt(things.id, after) : undefined, before ? lt(things.id, before) : undefined),
    )
    .orderBy(inverted ? desc(things.id) : asc(things.id))
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
  { issueSecret, ...input }: ThingInput & { issueSecret?: boolean | null | undefined },
): Promise<Outcome<Registration>> {
  const errors = findProblems(input)
  if (errors.length > 0) return fail(...errors)
  const issued = issueSecret ? await makeSecret() : undefined
  const outcome = await storeThing(ctx, input, 'registered', () => insertThing(ctx, input, issued?.hash))
  return outcome.ok ? succeed({ thing: outcome.value, secret: issued?.secret ?? null }) : outcome
}

async function insertThing(
  ctx: Context,
  { id, clientId, thingType, tags }: ThingInput,
  secretHash: string | undefined,
): Promise<Thing | UserError> {
  const values = { id, clientId: clientId ?? id, thingType: thingType ?? null, tags: [...new Set(tags ?? [])] }
  const thing = await ctx.db.transaction(async (tx) => {
    // Of two at once, the second one may be told of either index: which of them it was is asked afterwards.
    const [inserted] = await tx.insert(things).values(values).onConflictDoNothing().returning()
    if (inserted && secretHash) await keepHash(tx, id, secretHash)
    return inserted
  })
  if (thing) return thing
  const [namesake] = await findThings(ctx, [id])
  return namesake
    ? userError('THING_ALREADY_REGISTERED', ['id'], `A thing ${id} is registered already.`)
    : clientIdTaken(values.clientId)
}

/** Changes what is given; a null type takes the type away. Errors: as registerThing, and THING_NOT_FOUND. */
export async function updateThing(ctx: Context, input: ThingInput): Promise<Outcome<Thing>> {
  if (!isThingId(input.id)) return fail(thingNotFound(input.id, 'id'))
  const errors = findProblems(input)
  if (errors.length > 0) return fail(...errors)
  const { id, clientId, thingType, tags } = input
  const changes = {
    ...(clientId != null && { clientId }),
    ...(thingType !== undefined && { thingType }),
    ...(tags != null && { tags: [...new Set(tags)] }),
    updatedAt: sql`now()`,
  }
  return storeThing(ctx, input, 'updated', async () => {
    const thing = await ctx.db.transaction(async (tx) => {
      const [before] = await tx.select().from(things).where(eq(things.id, id)).for('update')
      const [updated] = await tx.update(things).set(changes).where(eq(things.id, id)).returning()
      if (before?.clientId !== updated?.clientId) await forgetClient(tx, id)
      return updated
    })
    return thing ?? thingNotFound(id, 'id')
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
export async function deregisterThing(ctx: Context, id: string): Promise<Outcome<Thing>> {
  if (!isThingId(id)) return fail(thingNotFound(id, 'id'))
  return storeThing(ctx, { id }, 'deregistered', async () => {
    const [thing] = await ctx.db.delete(things).where(eq(things.id, id)).returning()
    return thing ?? thingNotFound(id, 'id')
  })
}

const clientIdTaken = (clientId: string): UserError =>
  userError('CLIENT_ID_TAKEN', ['clientId'], `Another thing has the clientId ${clientId}.`)

async function storeThing(
  ctx: Context,
  { id, clientId, thingType }: ThingInput,
  what: string,
  store: () => Promise<Thing | UserError>,
): Promise<Outcome<Thing>> {
  try {
    const stored = await store()
    if ('code' in stored) return fail(stored)
    ctx.onThingsChanged(stored)
    ctx.thingNews.note([id])
    ctx.log.info({ thingId: id }, `thing ${what}`)
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
