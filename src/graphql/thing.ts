import { coversThing } from '../domain/access.ts'
import { countSubscription } from '../domain/allowance.ts'
import { ThingNotFound, type UserError } from '../domain/errors.ts'
import { type ThingPresence, UNKNOWN_PRESENCE } from '../domain/presence.ts'
import type { Thing } from '../domain/thing.ts'
import { rotateThingSecret } from '../domain/thing-secrets.ts'
import { deregisterThing, listThings, registerThing, updateThing } from '../domain/things.ts'
import { watchThings } from '../domain/watch-things.ts'
import { builder } from './builder.ts'
import { resolvePage } from './connection.ts'
import type { GraphQLContext } from './context.ts'
import { RegisterThingInput, ThingFilter, UpdateThingInput } from './thing-inputs.ts'
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
    hasSecret: t.boolean({
      description: 'Whether a secret was issued for it, which it has to present to the broker.',
      resolve: async ({ id }, _args, { thingSecrets }) => (await thingSecrets.load(id)) !== null,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was registered.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When its registration changed last.' }),
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

/** A thing, and a secret that was issued for it just now. */
interface SecretPayload {
  value: { thing: Thing; secret: string | null } | null
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

const secretPayload = (name: string, description: string, whatSecret: string) =>
  builder.objectRef<SecretPayload>(name).implement({
    description,
    fields: (t) => ({
      thing: t.field({
        type: ThingType,
        nullable: true,
        description: NOW,
        resolve: ({ value }) => value?.thing ?? null,
      }),
      secret: t.string({ nullable: true, description: whatSecret, resolve: ({ value }) => value?.secret ?? null }),
      errors: t.expose('errors', { type: [UserErrorType], description: ERRORS_DESCRIPTION }),
    }),
  })

const RegisterPayload = secretPayload(
  'RegisterThingPayload',
  'What registerThing did.',
  'Its secret, with `issueSecret`; else null. It is shown this once: only its hash is kept.',
)
const RotatePayload = secretPayload(
  'RotateThingSecretPayload',
  'What rotateThingSecret did.',
  'Its new secret; null where there are errors. It is shown this once: only its hash is kept.',
)
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
  rotateThingSecret: t.field({
    authScopes: { manage: true },
    type: RotatePayload,
    description:
      'Gives a thing a new secret, or its first one. The one before stops working at once: on the embedded broker the thing is disconnected, on EMQX and Mosquitto it is refused when it connects again (Mosquitto: once it has the new password file). Errors: THING_NOT_FOUND.',
    args: { id: t.arg.id({ required: true, description: 'Which thing.' }) },
    resolve: async (_root, { id }, { domain, caller }) => payloadOf(await rotateThingSecret(domain, caller, id)),
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
