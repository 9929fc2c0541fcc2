import { and, asc, desc, eq, gt, inArray, lt, sql } from 'drizzle-orm'
import { isForeignKeyViolation } from '../db/errors.ts'
import { type CommandDefinition, thingTypes } from '../db/schema.ts'
import type { JsonObject } from '../protocol/json.ts'
import { isThingId } from '../protocol/topics.ts'
import { type Caller, demandManageType, type Scope } from './access.ts'
import { recordAudit } from './audit.ts'
import type { Context } from './context.ts'
import { fail, type Outcome, succeed, type UserError, userError } from './errors.ts'
import { type Delivery, isValidTtl } from './execution.ts'
import { isLikeAny } from './filter.ts'
import type { Page } from './paging.ts'
import { NotBegun } from './patience.ts'
import { type CheckClock, findSchemaProblem } from './schema-problems.ts'
import { storableText } from './text.ts'

export type ThingType = typeof thingTypes.$inferSelect

export interface CommandDefinitionInput {
  name: string
  description?: string | null | undefined
  paramsSchema?: JsonObject | null | undefined
  resultSchema?: JsonObject | null | undefined
  defaultTtl?: number | null | undefined
  delivery?: Delivery | null | undefined
}

export interface ThingTypeInput {
  name: string
  version?: string | null | undefined
  description?: string | null | undefined
  commands?: readonly CommandDefinitionInput[] | null | undefined
}

export const DEFAULT_VERSION = '1.0.0'
const MAX_COMMANDS = 200
const MAX_NAME = 128
const MAX_VERSION = 64
const MAX_DESCRIPTION = 1_024

export async function findThingTypes({ db }: Pick<Context, 'db'>, names: readonly string[]): Promise<ThingType[]> {
  return db
    .select()
    .from(thingTypes)
    .where(inArray(thingTypes.name, names.filter(isThingId)))
}

/** Thing Types by name. */
export async function listThingTypes(
  { db }: Pick<Context, 'db'>,
  { thingTypes: patterns }: Scope,
  { after, before, limit, inverted }: Page,
): Promise<ThingType[]> {
  const { name } = thingTypes
  return db
    .select()
    .from(thingTypes)
    .where(
      and(
        patterns ? isLikeAny(name, patterns) : undefined,
        after ? gt(thingTypes.name, after) : undefined,
        before ? lt(thingTypes.name, before) : undefined,
      ),
    )
    .orderBy(inverted ? desc(thingTypes.name) : asc(thingTypes.name))
    .limit(limit)
}

/** Creates a Thing Type or replaces the one of that name. Errors: INPUT_INVALID, TTL_OUT_OF_RANGE, SCHEMA_INVALID, OVERLOADED. */
export async function defineThingType(
  ctx: Context,
  caller: Caller,
  input: ThingTypeInput,
): Promise<Outcome<ThingType>> {
  demandManageType(caller, input.name)
  const errors = await findProblems(ctx, input).catch(overloaded)
  if (errors.length > 0) return fail(...errors)
  const values = {
    name: input.name,
    version: input.version ?? DEFAULT_VERSION,
    description: input.description ?? null,
    commands: (input.commands ?? []).map(toDefinition),
  }
  const thingType = await ctx.db.transaction(async (tx) => {
    const [defined] = await tx
      .insert(thingTypes)
      .values(values)
      .onConflictDoUpdate({ target: thingTypes.name, set: { ...values, updatedAt: sql`now()` } })
      .returning()
    if (!defined) throw new Error('the upsert of a Thing Type returned no row')
    const { name, version, commands } = defined
    const details = { version, commands: commands.map((command) => command.name) }
    await recordAudit(tx, caller, { action: 'type.define', target: name, details })
    return defined
  })
  const { name, version } = thingType
  ctx.log.info({ thingType: name, version, requestId: caller.requestId, by: caller.name }, 'thing type defined')
  return succeed(thingType)
}

/** Deletes a Thing Type. Errors: THING_TYPE_NOT_FOUND; THING_TYPE_IN_USE while things have it. */
export async function deleteThingType(ctx: Context, caller: Caller, name: string): Promise<Outcome<ThingType>> {
  demandManageType(caller, name)
  const notFound = () => fail(userError('THING_TYPE_NOT_FOUND', ['name'], `There is no Thing Type ${quote(name)}.`))
  if (!isThingId(name)) return notFound()
  try {
    const deleted = await ctx.db.transaction(async (tx) => {
      const [row] = await tx.delete(thingTypes).where(eq(thingTypes.name, name)).returning()
      if (row) await recordAudit(tx, caller, { action: 'type.delete', target: name, details: { version: row.version } })
      return row
    })
    if (!deleted) return notFound()
    ctx.log.info({ thingType: name, requestId: caller.requestId, by: caller.name }, 'thing type deleted')
    return succeed(deleted)
  } catch (error) {
    if (!isForeignKeyViolation(error)) throw error
    return fail(
      userError('THING_TYPE_IN_USE', ['name'], `Things have the type ${name}; give them another one or none first.`),
    )
  }
}

const toDefinition = (command: CommandDefinitionInput): CommandDefinition => ({
  name: command.name,
  description: command.description ?? null,
  paramsSchema: command.paramsSchema ?? null,
  resultSchema: command.resultSchema ?? null,
  defaultTtl: command.defaultTtl ?? null,
  delivery: command.delivery ?? null,
})

async function findProblems(
  ctx: Pick<Context, 'schemaChecks'>,
  { name, version, description, commands }: ThingTypeInput,
): Promise<UserError[]> {
  const errors: UserError[] = []
  if (!isThingId(name)) {
    errors.push(
      userError('INPUT_INVALID', ['name'], 'name: expected 1 to 128 characters of A-Z, a-z, 0-9, _ . : and -'),
    )
  }
  errors.push(...storableText(['version'], version, 1, MAX_VERSION))
  errors.push(...storableText(['description'], description, 0, MAX_DESCRIPTION))
  if (commands && commands.length > MAX_COMMANDS) {
    errors.push(userError('INPUT_INVALID', ['commands'], `commands: expected at most ${MAX_COMMANDS}`))
    return errors
  }
  const names = new Set<string>()
  const clock = { since: performance.now(), spentMs: 0 }
  for (const [index, command] of (commands ?? []).entries()) {
    errors.push(...findCommandProblems(command, ['commands', String(index)]))
    errors.push(...(await findSchemaProblems(ctx, command, ['commands', String(index)], clock)))
    if (names.has(command.name)) {
      errors.push(
        userError(
          'INPUT_INVALID',
          ['commands', String(index), 'name'],
          `name: ${quote(command.name)} is defined twice`,
        ),
      )
    }
    names.add(command.name)
  }
  return errors
}

function findCommandProblems(command: CommandDefinitionInput, path: string[]): UserError[] {
  const errors = [
    ...storableText([...path, 'name'], command.name, 1, MAX_NAME),
    ...storableText([...path, 'description'], command.description, 0, MAX_DESCRIPTION),
  ]
  if (command.defaultTtl != null && !isValidTtl(command.defaultTtl)) {
    errors.push(userError('TTL_OUT_OF_RANGE', [...path, 'defaultTtl'], 'defaultTtl: expected 1 to 86,400 seconds'))
  }
  return errors
}

async function findSchemaProblems(
  ctx: Pick<Context, 'schemaChecks'>,
  command: CommandDefinitionInput,
  path: string[],
  clock: CheckClock,
): Promise<UserError[]> {
  const errors: UserError[] = []
  for (const field of ['paramsSchema', 'resultSchema'] as const) {
    const schema = command[field]
    const problem = schema && (await findSchemaProblem(ctx, schema, clock))
    if (problem)
      errors.push(
        userError('SCHEMA_INVALID', [...path, field], `${field}: expected a JSON Schema (2020-12): ${problem}`),
      )
  }
  return errors
}

/** Where schemas wait too long to be checked. */
function overloaded(error: unknown): UserError[] {
  if (!(error instanceof NotBegun)) throw error
  return [
    userError(
      'OVERLOADED',
      [],
      'More schemas are to be checked than can be at the moment. Nothing was recorded: try again in a second.',
    ),
  ]
}

const quote = (text: string): string => JSON.stringify(text.slice(0, MAX_NAME))
