/** Keys that callers present: made, listed and revoked. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { and, desc, eq, gt, inArray, isNull, lt, sql } from 'drizzle-orm'
import type { Store } from '../db/connect.ts'
import { apiKeys } from '../db/schema.ts'
import { type Caller, demandAll, isPattern, PATTERN_FORMAT, type Role, type Scope } from './access.ts'
import { recordAudit } from './audit.ts'
import { fail, type Outcome, succeed, type UserError, userError } from './errors.ts'
import type { Page } from './paging.ts'
import { storableText } from './text.ts'

export type ApiKey = Omit<typeof apiKeys.$inferSelect, 'secretHash'>

export interface ApiKeyInput extends Partial<Record<keyof Scope, readonly string[] | null | undefined>> {
  name: string
  role: Role
  expiresAt?: Date | null | undefined
}

/** What makes keys: the service, or the command line without one. */
type Keys = Pick<Store, 'db'>

const ID = /^ak_[0-9a-f]{32}$/
const SECRET_BYTES = 32
const MAX_NAME = 128
const MAX_PATTERNS = 50

export const isKeyId = (id: string): boolean => ID.test(id)

/** 256 random bits need no slow hash: there is nothing to guess. */
const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()

export const isSecretOf = (secretHash: string, secret: string): boolean =>
  timingSafeEqual(Buffer.from(secretHash, 'base64url'), hashOf(secret))

const SHOWN = {
  id: apiKeys.id,
  name: apiKeys.name,
  role: apiKeys.role,
  things: apiKeys.things,
  thingTypes: apiKeys.thingTypes,
  actions: apiKeys.actions,
  createdBy: apiKeys.createdBy,
  createdAt: apiKeys.createdAt,
  expiresAt: apiKeys.expiresAt,
  revokedAt: apiKeys.revokedAt,
  lastUsedAt: apiKeys.lastUsedAt,
}

/** Errors: INPUT_INVALID. The secret is in the answer, and nowhere else. */
export async function createApiKey(
  { db }: Keys,
  caller: Caller,
  input: ApiKeyInput,
): Promise<Outcome<{ apiKey: ApiKey; secret: string }>> {
  demandAll(caller)
  const errors = await findProblems(db, input)
  if (errors.length > 0) return fail(...errors)
  const { name, role, expiresAt } = input
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  const values = {
    // A UUIDv7: keys are listed by time.
    id: sql`'ak_' || replace(uuid_v7(clock_timestamp())::text, '-', '')`,
    secretHash: hashOf(secret).toString('base64url'),
    name,
    role,
    expiresAt,
    createdBy: caller.name,
    ...scopeOf(input),
  }
  const apiKey = await db.transaction(async (tx) => {
    const [made] = await tx.insert(apiKeys).values(values).returning(SHOWN)
    if (!made) throw new Error('the insert of a key returned no row')
    await recordAudit(tx, caller, { action: 'key.create', target: made.id, details: { name, role, ...scopeOf(input) } })
    return made
  })
  return succeed({ apiKey, secret })
}

/** Revoked at once, and for ever; one that is revoked already stays as it is. Errors: KEY_NOT_FOUND. */
export async function revokeApiKey({ db }: Keys, caller: Caller, id: string): Promise<Outcome<ApiKey>> {
  demandAll(caller)
  const revoked = isKeyId(id) ? await db.transaction((tx) => revoke(tx, caller, id)) : undefined
  return revoked ? succeed(revoked) : fail(keyNotFound(id))
}

async function revoke(tx: Pick<Store['db'], 'update' | 'insert' | 'select'>, caller: Caller, id: string) {
  const [revoked] = await tx
    .update(apiKeys)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt)))
    .returning(SHOWN)
  if (revoked) await recordAudit(tx, caller, { action: 'key.revoke', target: id, details: { name: revoked.name } })
  const [before] = revoked ? [] : await tx.select(SHOWN).from(apiKeys).where(eq(apiKeys.id, id))
  return revoked ?? before
}

/** Keys, the newest first. */
export async function listApiKeys(
  { db }: Keys,
  caller: Caller,
  { after, before, limit, inverted }: Page,
): Promise<ApiKey[]> {
  demandAll(caller)
  return db
    .select(SHOWN)
    .from(apiKeys)
    .where(and(after ? lt(apiKeys.id, after) : undefined, before ? gt(apiKeys.id, before) : undefined))
    .orderBy(inverted ? apiKeys.id : desc(apiKeys.id))
    .limit(limit)
}

const keyNotFound = (id: string): UserError =>
  userError('KEY_NOT_FOUND', ['id'], `There is no key ${JSON.stringify(id.slice(0, 64))}.`)

const scopeOf = ({ things, thingTypes, actions }: ApiKeyInput) => ({
  things: things ? [...things] : null,
  thingTypes: thingTypes ? [...thingTypes] : null,
  actions: actions ? [...actions] : null,
})

async function findProblems(db: Store['db'], input: ApiKeyInput): Promise<UserError[]> {
  const errors = storableText(['name'], input.name, 1, MAX_NAME)
  for (const field of ['things', 'thingTypes', 'actions'] as const) errors.push(...findPatternProblems(field, input))
  if (input.expiresAt && !(await isToCome(db, input.expiresAt)))
    errors.push(userError('INPUT_INVALID', ['expiresAt'], 'expiresAt: expected an instant to come'))
  return errors
}

function findPatternProblems(field: keyof Scope, input: ApiKeyInput): UserError[] {
  const patterns = input[field]
  if (patterns == null) return []
  if (patterns.length === 0 || patterns.length > MAX_PATTERNS)
    return [
      userError(
        'INPUT_INVALID',
        [field],
        `${field}: expected 1 to ${MAX_PATTERNS} patterns, or none at all for everything`,
      ),
    ]
  return patterns.flatMap((pattern, index) => {
    const path = [field, String(index)]
    if (!isPattern(pattern)) return [userError('INPUT_INVALID', path, `${path.join('.')}: expected ${PATTERN_FORMAT}`)]
    return storableText(path, pattern, 1, MAX_NAME)
  })
}

/** By the clock of the database, as everything that ends. */
async function isToCome(db: Store['db'], at: Date): Promise<boolean> {
  const isLater = sql<boolean>`${at.toISOString()}::timestamptz > now()`
  const [row] = await db.select({ isLater }).from(sql`(select) as one`)
  return row?.isLater === true
}

/** What the service needs to know of a key in use. */
export interface KeyState {
  id: string
  secretHash: string
  role: Role
  things: string[] | null
  thingTypes: string[] | null
  actions: string[] | null
  /** Neither revoked nor expired. */
  isGood: boolean
}

/** Those of them that exist, as they are now. */
export async function readKeys({ db }: Keys, ids: readonly string[]): Promise<KeyState[]> {
  const { id, secretHash, role, things, thingTypes, actions } = apiKeys
  const isGood = sql<boolean>`${apiKeys.revokedAt} is null and coalesce(${apiKeys.expiresAt} > now(), true)`
  return db
    .select({ id, secretHash, role, things, thingTypes, actions, isGood })
    .from(apiKeys)
    .where(inArray(id, [...ids]))
}

/** Whether there ever was a key: from the first one on nobody is anonymous. */
export async function hasKeys({ db }: Keys): Promise<boolean> {
  return (await db.select({ id: apiKeys.id }).from(apiKeys).limit(1)).length > 0
}

export async function noteUse({ db }: Keys, ids: readonly string[]): Promise<void> {
  await db
    .update(apiKeys)
    .set({ lastUsedAt: sql`now()` })
    .where(inArray(apiKeys.id, [...ids]))
}
