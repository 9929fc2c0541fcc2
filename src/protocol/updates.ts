/**
 * What the service publishes of an execution after each commit (PROTOCOL.md), written and validated in this one place.
 * Pure: imports nothing of ours but its neighbours in this folder.
 */
import { z } from 'zod'
import { decodeJson, type Json, type JsonObject } from './json.ts'
import { RESPONSE_STATUSES } from './messages.ts'

export const EXECUTION_STATUSES = ['SENT', ...RESPONSE_STATUSES, 'TIMED_OUT', 'CANCELED'] as const
export const DELIVERIES = ['AT_MOST_ONCE', 'AT_LEAST_ONCE'] as const

/** An execution as it was committed. Instants are RFC 3339 in UTC, to the millisecond. */
export interface UpdateMessage {
  /** The same for all replicas on one database: on a broker that several deployments share, the others' are not ours. */
  deployment: string
  /** The client id of the replica that publishes it: how it knows its own updates again. */
  replica: string
  executionId: string
  commandId: string
  thingId: string
  thingType: string | null
  thingTypeVersion: string | null
  action: string
  params: JsonObject
  /** Seconds. */
  ttl: number
  status: (typeof EXECUTION_STATUSES)[number]
  result: Json | null
  statusReason: { code: string; message: string | null } | null
  requestedBy: string | null
  /** The broker said that nobody was subscribed when the request was published. */
  noSubscriber: boolean
  /** Who settled it: a replica or a shared group. */
  settledBy: string | null
  ignoredResponseCount: number
  /** Null: AT_MOST_ONCE. */
  delivery: (typeof DELIVERIES)[number] | null
  /** Of AT_LEAST_ONCE: how often its request was published so far. */
  publishCount: number | null
  /** Whether its thing was known to be online when it was sent; null: not known. */
  thingOnline: boolean | null
  createdAt: string
  expiresAt: string
  settledAt: string | null
  updatedAt: string
}

const instant = z.iso.datetime()
/** Absent in the updates of a replica of the version before, which may run beside this one. */
const orNull = <T extends z.ZodType>(value: T) => value.nullable().default(null)

const updateSchema = z.looseObject({
  deployment: z.string(),
  replica: z.string(),
  executionId: z.string(),
  commandId: z.string(),
  thingId: z.string(),
  thingType: z.string().nullable(),
  thingTypeVersion: z.string().nullable(),
  action: z.string(),
  params: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null && !Array.isArray(value)),
  ttl: z.int(),
  status: z.enum(EXECUTION_STATUSES),
  // It came out of JSON, so it is some.
  result: z.custom<Json>((value) => value !== undefined),
  statusReason: z.object({ code: z.string(), message: z.string().nullable() }).nullable(),
  requestedBy: z.string().nullable(),
  noSubscriber: z.boolean(),
  settledBy: z.string().nullable(),
  ignoredResponseCount: z.int().nonnegative(),
  delivery: orNull(z.enum(DELIVERIES)),
  publishCount: orNull(z.int()),
  thingOnline: orNull(z.boolean()),
  createdAt: instant,
  expiresAt: instant,
  settledAt: instant.nullable(),
  updatedAt: instant,
})

/** Who publishes it comes first, so that it can be read without the rest: the order of the members is that of the message. */
export const encodeUpdate = (message: UpdateMessage): string => JSON.stringify(message)

/** How each update of a deployment begins. */
export const beginningOfDeployment = (deployment: string): string => `{"deployment":${JSON.stringify(deployment)},`

/** How each update of one of its replicas begins. */
export const beginningOfReplica = (deployment: string, replica: string): string =>
  `${beginningOfDeployment(deployment)}"replica":${JSON.stringify(replica)},`

/** What was published, or undefined where the payload is no update. */
export function parseUpdate(payload: Uint8Array): UpdateMessage | undefined {
  const parsed = updateSchema.safeParse(readJson(payload))
  return parsed.success ? parsed.data : undefined
}

function readJson(payload: Uint8Array): unknown {
  try {
    return decodeJson(payload)
  } catch {
    return undefined
  }
}
