import { z } from '@hono/zod-openapi'
import { delivery, executionStatus } from '../db/schema.ts'
import { deliveryOf, type Execution, publishCountOf, statusReason } from '../domain/execution.ts'

const object = z.record(z.string(), z.unknown())
const anyJson = z.unknown()

export const SendBody = z
  .strictObject({
    thingId: z.string('expected a string').openapi({ description: 'The thing.', example: 'thermostat-001' }),
    action: z
      .string('expected a string')
      .openapi({ description: 'What it shall do: 1 to 128 characters.', example: 'setTemperature' }),
    params: z
      .record(z.string(), z.unknown(), 'expected a JSON object')
      .optional()
      .openapi({ description: 'With what; absent: {}.', example: { value: 24 } }),
    ttl: z.number('expected a number of seconds').optional().openapi({
      description:
        "Seconds, from 1 to 86,400, in which the thing must answer; absent: the command definition's, else 30.",
      example: 30,
    }),
    delivery: z
      .enum(delivery.enumValues, `expected one of ${delivery.enumValues.join(', ')}`)
      .optional()
      .openapi({
        description:
          "How often it may be published: once, or again until it is answered or expires. Absent: the command definition's, else AT_MOST_ONCE.",
      }),
  })
  .openapi('SendCommand')

export const ExecutionBody = z
  .object({
    executionId: z.uuid(),
    commandId: z.uuid(),
    thingId: z.string(),
    action: z.string(),
    params: object,
    ttl: z.number().int().openapi({ description: 'Seconds.' }),
    delivery: z.enum(delivery.enumValues).openapi({ description: 'How often its request may be published.' }),
    publishCount: z.number().int().openapi({
      description:
        'How often its request was published so far, counted before each publish, so it may be one more than the broker got for each crash or broken link; 1 for AT_MOST_ONCE.',
    }),
    status: z.enum(executionStatus.enumValues).openapi({ description: 'SENT, then one of the others, once.' }),
    result: anyJson.openapi({ description: 'What the thing answered; null: nothing.' }),
    statusReason: z
      .object({ code: z.string(), message: z.string().nullable() })
      .nullable()
      .openapi({ description: 'Why it has its status.' }),
    thingOnline: z.boolean().nullable().openapi({
      description: 'Whether the thing was known to be online when it was sent; null: not known.',
    }),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    settledAt: z.iso.datetime().nullable(),
  })
  .openapi('Execution')

export const PageBody = z
  .object({
    items: z.array(ExecutionBody).openapi({ description: 'Newest first.' }),
    pageInfo: z.object({
      hasNextPage: z.boolean(),
      endCursor: z.string().nullable().openapi({ description: 'The `after` of the next page.' }),
    }),
  })
  .openapi('ExecutionPage')

export const ProblemBody = z
  .object({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().openapi({ description: 'For programs; the ErrorCode of the GraphQL API.' }),
    errors: z
      .array(z.object({ code: z.string(), message: z.string(), path: z.array(z.string()) }))
      .optional()
      .openapi({ description: 'One for each thing that is wrong with the input.' }),
    executionId: z
      .uuid()
      .optional()
      .openapi({ description: 'The execution that was recorded all the same (DELIVERY_UNCONFIRMED).' }),
  })
  .openapi('Problem')

const several = <T extends z.ZodType>(member: T, expected: string) =>
  z.union([member.transform((value) => [value]), z.array(member)], { error: `expected ${expected}` }).optional()

const listOf = (description: string, items: { type: 'string'; enum?: string[] } = { type: 'string' }) => ({
  description: `${description} Repeat it for several.`,
  type: 'array' as const,
  items,
})

export const ListQuery = z.object({
  thingId: several(z.string(), 'text').openapi(listOf('Executions on this thing.')),
  action: several(z.string(), 'text').openapi(listOf('With this action.')),
  status: several(
    z.enum(executionStatus.enumValues),
    `one or several of ${executionStatus.enumValues.join(', ')}`,
  ).openapi(listOf('With this status.', { type: 'string', enum: [...executionStatus.enumValues] })),
  first: z
    .string()
    .regex(/^\d{1,4}$/, 'expected a whole number from 0 to 100')
    .transform(Number)
    .optional()
    .openapi({ description: 'How many, from 0 to 100; absent: 20.', type: 'integer' }),
  after: z.string().optional().openapi({ description: 'The `endCursor` of the page before.' }),
})

export function executionBody(execution: Execution): z.input<typeof ExecutionBody> {
  const { id, commandId, thingId, action, params, ttl, status, result, thingOnline } = execution
  const { createdAt, expiresAt, settledAt } = execution
  return {
    executionId: id,
    commandId,
    thingId,
    action,
    params,
    ttl,
    delivery: deliveryOf(execution),
    publishCount: publishCountOf(execution),
    status,
    result: result ?? null,
    statusReason: statusReason(execution),
    thingOnline,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    settledAt: settledAt?.toISOString() ?? null,
  }
}
