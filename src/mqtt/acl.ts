/** Access lists for brokers of others: what this service needs, and what each thing may do; the user name is the thing's id. */
import {
  ALL_CANARIES,
  ALL_REQUESTS,
  ALL_RESPONSES,
  ALL_UPDATES,
  CLIENT_EVENTS,
  requestsTo,
  responsesOf,
} from '../protocol/topics.ts'

export const ACL_BROKERS = ['emqx', 'mosquitto'] as const
export type AclBroker = (typeof ACL_BROKERS)[number]

/** The whole file. `serviceUsers`: the user names that the service signs in with. */
export const formatAcl = (broker: AclBroker, serviceUsers: readonly string[]): string =>
  `${broker === 'emqx' ? emqxLines(serviceUsers).join('\n') : mosquittoLines(serviceUsers).join('\n')}\n`

/** Who is in no line may do nothing. */
const mosquittoLines = (serviceUsers: readonly string[]): string[] => [
  ...serviceUsers.flatMap((user) => [
    `user ${user}`,
    `topic write ${ALL_REQUESTS}`,
    `topic read ${ALL_RESPONSES}`,
    `topic readwrite ${ALL_UPDATES}`,
    '',
  ]),
  '# A thing signs in with its id as its user name (%u).',
  `pattern write ${responsesOf('%u')}`,
  `pattern read ${requestsTo('%u')}`,
]

const emqxLines = (serviceUsers: readonly string[]): string[] => [
  ...serviceUsers.flatMap((user) => [
    allow(`{user, "${user}"}`, 'publish', [ALL_REQUESTS]),
    allow(`{user, "${user}"}`, 'subscribe', [ALL_RESPONSES, ...CLIENT_EVENTS]),
    // The last one proves that the broker shares responses (MQTT_SHARED_GROUP).
    allow(`{user, "${user}"}`, 'all', [ALL_UPDATES, ALL_CANARIES]),
  ]),
  '',
  '%% A thing signs in with its id as its user name.',
  allow('all', '{publish, {retain, false}}', [responsesOf(EMQX_USER)]),
  allow('all', 'subscribe', [requestsTo(EMQX_USER)]),
  '{deny, all}.',
]

/** Filled in by EMQX. */
const EMQX_USER = `\${username}`

const allow = (who: string, action: string, topics: readonly string[]): string =>
  `{allow, ${who}, ${action}, [${topics.map((topic) => `"${topic}"`).join(', ')}]}.`
