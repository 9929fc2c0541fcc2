/** One command after the other: look the thing up, check, insert, publish, wait for the PUBACK. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import { eq } from 'drizzle-orm'
import type { NaiveContext } from './context.ts'
import { type CommandDefinition, type Execution, executions, idempotencyKeys, things, thingTypes } from './table.ts'
import { createUuidV7 } from './uuid.ts'

export interface SendInput {
  thingId: string
  action: string
  params?: Record<string, unknown> | null
  ttl?: number | null
  idempotencyKey?: string | null
}

export interface SendPayload {
  execution: Execution | null
  errors: { code: string; message: string }[]
}

const DEFAULT_TTL_SECONDS = 30
const ajv = new Ajv2020()
/** Compiled once for each schema: nobody who measures anything compiles it for each command. */
const validators = new Map<string, ValidateFunction>()

export async function sendCommand(ctx: NaiveContext, input: SendInput): Promise<SendPayload> {
  const problem = await findProblem(ctx, input)
  if (problem) return { execution: null, errors: [problem] }
  const id = createUuidV7()
  if (input.idempotencyKey != null) {
    const first = await claimKey(ctx, input.idempotencyKey, id)
    if (first) return { execution: first, errors: [] }
  }
  const execution = await insertExecution(ctx, id, input)
  ctx.events.publish('executionUpdated', execution)
  await publishRequest(ctx, execution)
  return { execution, errors: [] }
}

async function findProblem({ db }: NaiveContext, { thingId, action, params }: SendInput) {
  const [found] = await db
    .select({ type: thingTypes })
    .from(things)
    .leftJoin(thingTypes, eq(thingTypes.name, things.thingType))
    .where(eq(things.id, thingId))
  if (!found) return { code: 'THING_NOT_FOUND', message: `no thing ${thingId}` }
  const { type } = found
  if (!type) return undefined
  const command = type.commands.find(({ name }) => name === action)
  if (!command) return { code: 'ACTION_UNKNOWN', message: `${type.name} defines no command ${action}` }
  const validate = validatorOf(type.name, command)
  if (!validate || validate(params ?? {})) return undefined
  return { code: 'PARAMS_INVALID', message: ajv.errorsText(validate.errors) }
}

function validatorOf(type: string, { name, paramsSchema }: CommandDefinition): ValidateFunction | undefined {
  if (!paramsSchema) return undefined
  const key = `${type} ${name}`
  const validate = validators.get(key) ?? ajv.compile(paramsSchema)
  validators.set(key, validate)
  return validate
}

/** The execution that has the key already, if there is one. */
async function claimKey({ db }: NaiveContext, key: string, executionId: string): Promise<Execution | undefined> {
  const claimed = await db
    .insert(idempotencyKeys)
    .values({ key, fingerprint: '', executionId })
    .onConflictDoNothing()
    .returning()
  if (claimed.length > 0) return undefined
  const [first] = await db
    .select({ execution: executions })
    .from(idempotencyKeys)
    .innerJoin(executions, eq(executions.id, idempotencyKeys.executionId))
    .where(eq(idempotencyKeys.key, key))
  return first?.execution
}

async function insertExecution({ db }: NaiveContext, id: string, input: SendInput): Promise<Execution> {
  const { thingId, action, params, ttl } = input
  const seconds = ttl ?? DEFAULT_TTL_SECONDS
  const expiresAt = new Date(Date.now() + seconds * 1000)
  const [execution] = await db
    .insert(executions)
    .values({ id, commandId: createUuidV7(), thingId, action, params: params ?? {}, ttl: seconds, expiresAt })
    .returning()
  if (!execution) throw new Error('the insert returned no row')
  return execution
}

async function publishRequest({ broker }: NaiveContext, execution: Execution): Promise<void> {
  const { id, commandId, thingId, action, params, ttl, createdAt } = execution
  const request = { commandId, action, params, timestamp: Math.floor(createdAt.getTime() / 1000), ttl }
  await broker.publishAsync(`$emqx/commands/things/${thingId}/executions/${id}/request`, JSON.stringify(request), {
    qos: 1,
  })
}
