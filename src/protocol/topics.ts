/**
 * The topics of the wire contract (PROTOCOL.md), built and parsed in this one place.
 * Pure: imports nothing of ours.
 */

const PREFIX = '$emqx/commands/things'
const EXECUTIONS = '/executions/'

/** A thing's id, which is also `{thingName}` in topics. No `/`, `+`, `#`, NUL or space can get into a topic this way. */
export const THING_ID_PATTERN = /^[A-Za-z0-9_.:-]{1,128}$/

/** An executionId: a UUID, in lower case as Postgres prints it. */
export const EXECUTION_ID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** What the service subscribes to: the responses of every thing. */
export const ALL_RESPONSES = `${PREFIX}/+/executions/+/response`

/** Every request to every thing: what the service publishes. */
export const ALL_REQUESTS = `${PREFIX}/+/executions/+/request`

/** What one thing may publish, and what it may subscribe to; `thing` may be a placeholder of a broker's access list. */
export const responsesOf = (thing: string): string => `${PREFIX}/${thing}/executions/+/response`
export const requestsTo = (thing: string): string => `${PREFIX}/${thing}/executions/+/request`

/** The topics as people write them: what is in braces is each execution's own. */
export const REQUEST_TEMPLATE = `${PREFIX}/{thingName}/executions/{executionId}/request`
export const RESPONSE_TEMPLATE = `${PREFIX}/{thingName}/executions/{executionId}/response`

/** Every update of every execution: what whoever must know of all of them subscribes to. */
export const ALL_UPDATES = `${PREFIX}/+/executions/+/updated`

/**
 * Stands in the place of a thing's id in the message that proves that a broker shares `$`-topics. No thing can be
 * registered under it, because `@` is in no id.
 */
const CANARY = '@canary'

/** What the service must be allowed to publish, to prove that a broker shares `$`-topics. */
export const ALL_CANARIES = `${PREFIX}/${CANARY}/executions/+/response`

/** Where EMQX tells which clients come and go. */
export const CLIENT_EVENTS = ['$SYS/brokers/+/clients/+/connected', '$SYS/brokers/+/clients/+/disconnected']

export interface ExecutionTopic {
  thingId: string
  executionId: string
}

export const isThingId = (value: string): boolean => THING_ID_PATTERN.test(value)

export const isExecutionId = (value: string): boolean => EXECUTION_ID_PATTERN.test(value)

/** Where the service publishes a request. Throws on a name that could reach another topic. */
export function requestTopic(topic: ExecutionTopic): string {
  return buildTopic(topic, 'request')
}

/** Where the device publishes its response. Throws on a name that could reach another topic. */
export function responseTopic(topic: ExecutionTopic): string {
  return buildTopic(topic, 'response')
}

/** Where the service publishes what became of an execution. Throws on a name that could reach another topic. */
export function updatedTopic(topic: ExecutionTopic): string {
  return buildTopic(topic, 'updated')
}

/** The updates of every execution of one thing, or of one execution of whichever thing. Throws on a name that could reach others. */
export function updatedFilter({ thingId, executionId }: Partial<ExecutionTopic>): string {
  if (thingId !== undefined && !isThingId(thingId)) throw new TypeError(`not a thing id: ${JSON.stringify(thingId)}`)
  if (executionId !== undefined && !isExecutionId(executionId))
    throw new TypeError(`not an execution id: ${JSON.stringify(executionId)}`)
  return `${PREFIX}/${thingId ?? '+'}/executions/${executionId ?? '+'}/updated`
}

/** A response topic that no device has. */
export const canaryTopic = (executionId: string): string => `${PREFIX}/${CANARY}/executions/${executionId}/response`

export const isCanaryTopic = (topic: string): boolean => topic.startsWith(`${PREFIX}/${CANARY}/`)

/** The filter by which the members of a group share what matches it: each message goes to one of them (MQTT 5, 4.8.2). */
export const sharedFilter = (group: string, filter: string): string => `$share/${group}/${filter}`

/** The one subscription a device needs: every request to this thing. */
export function requestFilter(thingId: string): string {
  if (!isThingId(thingId)) throw new TypeError(`not a thing id: ${JSON.stringify(thingId)}`)
  return requestsTo(thingId)
}

/** The thing and the execution that a response topic names, or undefined where it is not a response topic. */
export function parseResponseTopic(topic: string): ExecutionTopic | undefined {
  return parseTopic(topic, 'response')
}

/** The thing and the execution that a request topic names, or undefined where it is not a request topic. */
export function parseRequestTopic(topic: string): ExecutionTopic | undefined {
  return parseTopic(topic, 'request')
}

/** The thing and the execution that an update's topic names, or undefined where it is not the topic of an update. */
export function parseUpdatedTopic(topic: string): ExecutionTopic | undefined {
  return parseTopic(topic, 'updated')
}

/** The thing whose updates a subscription filter covers, where it covers those of exactly one thing and nothing else. */
export function thingOfUpdatedFilter(filter: string): string | undefined {
  return thingOfFilter(filter, 'updated')
}

/** The thing whose requests a subscription filter covers, where it covers those of exactly one thing and nothing else. */
export function thingOfRequestFilter(filter: string): string | undefined {
  return thingOfFilter(filter, 'request')
}

function thingOfFilter(filter: string, kind: string): string | undefined {
  const levels = splitTopic(filter)
  if (levels?.kind !== kind || !isThingId(levels.thing)) return undefined
  return levels.execution === '+' || isExecutionId(levels.execution) ? levels.thing : undefined
}

function buildTopic({ thingId, executionId }: ExecutionTopic, kind: string): string {
  if (!isThingId(thingId)) throw new TypeError(`not a thing id: ${JSON.stringify(thingId)}`)
  if (!isExecutionId(executionId)) throw new TypeError(`not an execution id: ${JSON.stringify(executionId)}`)
  return `${PREFIX}/${thingId}/executions/${executionId}/${kind}`
}

function parseTopic(topic: string, kind: string): ExecutionTopic | undefined {
  // Each message is asked for several kinds, and most are of another one.
  const levels = topic.endsWith(kind) ? splitTopic(topic) : undefined
  if (levels?.kind !== kind) return undefined
  if (!isThingId(levels.thing) || !isExecutionId(levels.execution)) return undefined
  return { thingId: levels.thing, executionId: levels.execution }
}

function splitTopic(topic: string): { thing: string; execution: string; kind: string } | undefined {
  if (!topic.startsWith(`${PREFIX}/`)) return undefined
  const endOfThing = topic.indexOf('/', PREFIX.length + 1)
  if (!topic.startsWith(EXECUTIONS, endOfThing)) return undefined
  const endOfExecution = topic.indexOf('/', endOfThing + EXECUTIONS.length)
  if (endOfThing < 0 || endOfExecution < 0) return undefined
  const thing = topic.slice(PREFIX.length + 1, endOfThing)
  const execution = topic.slice(endOfThing + EXECUTIONS.length, endOfExecution)
  const kind = topic.slice(endOfExecution + 1)
  return thing && execution && kind && !kind.includes('/') ? { thing, execution, kind } : undefined
}
