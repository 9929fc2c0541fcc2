import { coversThing } from '../domain/access.ts'
import { countSubscription } from '../domain/allowance.ts'
import { ThingNotFound, type UserError } from '../domain/errors.ts'
import { type ThingPresence, UNKNOWN_PRESENCE } from '../domain/presence.ts'
import type { Thing } from '../domain/thing.ts'
import { deregisterThing, listThings, registerThing, updateThing } from '../domain/things.ts'
import { watchThings } from '../domain/watch-things.ts'
import { builder } from './builder.ts'
import { resolvePage } from './connection.ts'
import type { GraphQLContext } from './context.ts'
import { ThingTypeType } from './thing-type.ts'
import { ERRORS_DESCRIPTION, payloadOf, UserErrorType } from './user-error.ts'

/** A thing, and its presence where that has been read with it. */
type ThingNode = Thing & { presence?: ThingPresence }

async function presenceOf({ id, presence }: ThingNode, { presences }: GraphQLContext): Promise<ThingPresence> {
  return presence ?? (await presences.load(id)) ?? UNKNOWN_PRESENCE
}

export const ThingType = builder.objectRef<ThingNode>('Thing').implement({
  description: 'One registered device.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Also `{thingName}` in topics, and `thingId` elsewhere in this API.' }),
    clientId: t.exposeID('clientId', { description: 'The MQTT clientId it connects with.' }),
    type: t.field({
      type: ThingTypeType,
      nullable: true,
      description: 'Its Thing Type; null: it has none, and accepts any action.',
      resolve: ({ thingType }, _args, { thingTypes }) => (thingType === null ? null : thingTypes.load(thingType)),
    }),
    tags: t.exposeStringList('tags', { description: 'Words to find it by.' }),
    online: t.boolean({
      nullable: true,
      description:
        'Whether its client is connected to the broker; null: not known, as the broker has not told. The embedded broker and EMQX tell; Mosquitto does not, and an answer does not say when the thing leaves: there it stays null. It informs, and decides nothing.',
      resolve: async (thing, _args, context) => (await presenceOf(thing, context)).online,
    }),
    lastSeenAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When it was last heard of: it connected, went away or answered; null: never. Of a thing that answers all the time it may be 30 seconds old.',
      resolve: async (thing, _args, context) => (await presenceOf(thing, context)).lastSeenAt,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was registered.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its registration changed last.' }),
  }),
})

const ID_FORMAT = '1 to 128 characters of A-Z, a-z, 0-9, _ . : and -'
const CLIENT_ID_FORMAT = '1 to 128 printable ASCII characters without spaces; no other thing may have it'
const TAGS_FORMAT = 'At most 50, each of 1 to 64 characters'

const RegisterThingInput = builder.inputType('RegisterThingInput', {
  description: 'A device to register.',
  fields: (t) => ({
    id: t.id({ required: true, description: `${ID_FORMAT}.` }),
    clientId: t.string({ description: `The MQTT clientId it connects with: ${CLIENT_ID_FORMAT}. Absent: its id.` }),
    thingType: t.id({ description: 'The name of its Thing Type. Absent: none.' }),
    tags: t.stringList({ description: `${TAGS_FORMAT}.` }),
  }),
})

const UpdateThingInput = builder.inputType('UpdateThingInput', {
  description: 'What to change of a thing: what is absent stays.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which thing. An id never changes.' }),
    clientId: t.string({ description: `${CLIENT_ID_FORMAT}.` }),
    thingType: t.id({ description: 'The name of its Thing Type; null takes the type away.' }),
    tags: t.stringList({ description: `${TAGS_FORMAT}; they replace those of before.` }),
  }),
})

const ThingFilter = builder.inputType('ThingFilter', {
  description: 'Each list matches any of its members; fields combine with AND.',
  fields: (t) => ({
    id: t.idList({ description: 'These things.' }),
    idPrefix: t.string({
      description:
        "Things whose ids begin with this: search while somebody types. Empty: all; they come in the order of their characters' codes.",
    }),
    thingType: t.idList({ description: 'Things of these types.' }),
    tag: t.stringList({ description: 'Things that have any of these tags.' }),
    online: t.boolean({ description: 'Things known to be online, or known not to be.' }),
  }),
})

/** What the caller may not see does not exist for it. */
export async function findThing(id: string, { things, caller }: GraphQLContext): Promise<Thing | null> {
  const thing = await things.load(id)
  return thing && coversThing(caller.authority, thing) ? thing : null
}

interface ThingPayload {
  value: Thing | null
  errors: UserError[]
}

const payload = (name: string, description: string, what: string) =>
  builder.objectRef<ThingPayload>(name).implement({
    description,
    fields: (t) => ({
      thing: t.expose('value', { type: ThingType, nullable: true, description: what }),
      errors: t.expose('errors', { type: [UserErrorType], description: ERRORS_DESCRIPTION }),
    }),
  })

const NOW = 'As it is now; null where there are errors.'
const RegisterPayload = payload('RegisterThingPayload', 'What registerThing did.', NOW)
const UpdatePayload = payload('UpdateThingPayload', 'What updateThing did.', NOW)
const DeregisterPayload = payload(
  'DeregisterThingPayload',
  'What deregisterThing did.',
  'As it was; null where there are errors.',
)

builder.queryFields((t) => ({
  thing: t.field({
    authScopes: { read: true },
    type: ThingType,
    nullable: true,
    description: 'One thing; null where none is registered under this id.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: (_root, { id }, context) => findThing(id, context),
  }),
  things: t.connection(
    {
      authScopes: { read: true },
      type: ThingType,
      description: 'Things by id.',
      args: { filter: t.arg({ type: ThingFilter, description: 'Which things; absent: all.' }) },
      resolve: (_root, args, { domain, caller }) =>
        resolvePage(
          'thing',
          args,
          ({ id }: Thing) => id,
          (page) => listThings(domain, { ...args.filter, scope: caller.authority }, page),
        ),
    },
    { name: 'ThingConnection', description: 'A page of things (Relay).' },
    { name: 'ThingEdge', description: 'A thing in a page.' },
  ),
}))

builder.mutationFields((t) => ({
  registerThing: t.field({
    authScopes: { manage: true },
    type: RegisterPayload,
    description:
      'Registers a device. Errors: INPUT_INVALID, THING_ALREADY_REGISTERED, CLIENT_ID_TAKEN, THING_TYPE_NOT_FOUND.',
    args: { input: t.arg({ type: RegisterThingInput, required: true, description: 'The device.' }) },
    resolve: async (_root, { input }, { domain, caller }) => payloadOf(await registerThing(domain, caller, input)),
  }),
  updateThing: t.field({
    authScopes: { manage: true },
    type: UpdatePayload,
    description: 'Changes a thing. Errors: THING_NOT_FOUND, INPUT_INVALID, CLIENT_ID_TAKEN, THING_TYPE_NOT_FOUND.',
    args: { input: t.arg({ type: UpdateThingInput, required: true, description: 'Which thing, and what to change.' }) },
    resolve: async (_root, { input }, { domain, caller }) => payloadOf(await updateThing(domain, caller, input)),
  }),
  deregisterThing: t.field({
    authScopes: { manage: true },
    type: DeregisterPayload,
    description:
      'Removes a thing. Its executions stay, with `thing: null`; open ones run to their end. Errors: THING_NOT_FOUND.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: async (_root, { id }, { domain, caller }) => payloadOf(await deregisterThing(domain, caller, id)),
  }),
}))

builder.subscriptionFields((t) => ({
  thingUpdated: t.field({
    authScopes: { read: true },
    type: ThingType,
    description:
      'Things as their registration or their presence changes: at least once, never a gap. A slow reader gets each in its latest state. With `id`: the thing as it is now, then each change, and the end once it is deregistered (top-level error THING_NOT_FOUND where there is none). Else every change from now on that matches the filter afterwards (changes of the second before may be told, too).',
    args: {
      id: t.arg.id({ description: 'One thing.' }),
      filter: t.arg({ type: ThingFilter, description: 'Which things; absent: all.' }),
    },
    subscribe: (_root, args, context) => {
      const { domain, caller } = context
      return countSubscription(domain.subscriptions, caller.name ?? '', async (onEnd) => {
        // Asked before anything listens: where this throws, nothing is left behind. The state is read later, and not here.
        if (args.id != null && !(await findThing(args.id, context))) throw new ThingNotFound(args.id)
        return watchThings(domain, { ...args, filter: { ...args.filter, scope: caller.authority } }, onEnd)
      })
    },
    resolve: (thing) => thing,
  }),
}))
