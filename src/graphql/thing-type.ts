import type { CommandDefinition } from '../db/schema.ts'
import { coversType } from '../domain/access.ts'
import type { UserError } from '../domain/errors.ts'
import { defineThingType, deleteThingType, listThingTypes, type ThingType } from '../domain/thing-types.ts'
import { builder } from './builder.ts'
import { resolvePage } from './connection.ts'
import { DeliveryType } from './delivery.ts'
import { ERRORS_DESCRIPTION, payloadOf, UserErrorType } from './user-error.ts'

const CommandDefinitionType = builder.objectRef<CommandDefinition>('CommandDefinition').implement({
  description: 'A command that the things of a type accept.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The `action` of sendCommand.' }),
    description: t.exposeString('description', { nullable: true, description: 'What it does, for people.' }),
    paramsSchema: t.expose('paramsSchema', {
      type: 'JSONObject',
      nullable: true,
      description: 'JSON Schema (2020-12) that `params` must satisfy; null: any params.',
    }),
    resultSchema: t.expose('resultSchema', {
      type: 'JSONObject',
      nullable: true,
      description:
        'JSON Schema (2020-12) of `result`, for those who read it. Not enforced: a thing that acted is not refused.',
    }),
    defaultTtl: t.exposeInt('defaultTtl', {
      nullable: true,
      description: 'Seconds, from 1 to 86,400, for a send without `ttl`; null: 30.',
    }),
    delivery: t.expose('delivery', {
      type: DeliveryType,
      nullable: true,
      description: 'How often a send without `delivery` may be published; null: AT_MOST_ONCE.',
    }),
  }),
})

export const ThingTypeType = builder.objectRef<ThingType>('ThingType').implement({
  description: 'A category of things, with a version and the commands it accepts.',
  fields: (t) => ({
    name: t.exposeID('name', { description: 'In reverse-domain form: "com.example.thermostat".' }),
    version: t.exposeString('version', {
      description: 'As defined; executions keep the one they were checked against.',
    }),
    description: t.exposeString('description', { nullable: true, description: 'What it is, for people.' }),
    commands: t.expose('commands', {
      type: [CommandDefinitionType],
      description: 'What its things accept. Where there is none, they accept any action.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was defined first.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it was defined last.' }),
  }),
})

const CommandDefinitionInput = builder.inputType('CommandDefinitionInput', {
  description: 'A command that the things of a type accept.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'The `action` of sendCommand: 1 to 128 characters.' }),
    description: t.string({ description: 'What it does, for people; at most 1,024 characters.' }),
    paramsSchema: t.field({
      type: 'JSONObject',
      description:
        'JSON Schema (2020-12) that `params` must satisfy; two seconds are the longest that it may take. Absent: any params.',
    }),
    resultSchema: t.field({
      type: 'JSONObject',
      description:
        'JSON Schema (2020-12) of `result`, for those who read it. Not enforced: a thing that acted is not refused.',
    }),
    defaultTtl: t.int({ description: 'Seconds, from 1 to 86,400, for a send without `ttl`. Absent: 30.' }),
    delivery: t.field({
      type: DeliveryType,
      description: 'How often a send without `delivery` may be published. Absent: AT_MOST_ONCE.',
    }),
  }),
})

const DefineThingTypeInput = builder.inputType('DefineThingTypeInput', {
  description: 'A Thing Type, whole: what is absent here is not kept from before.',
  fields: (t) => ({
    name: t.id({
      required: true,
      description: '1 to 128 characters of A-Z, a-z, 0-9, _ . : and -, such as "com.example.thermostat".',
    }),
    version: t.string({ description: '1 to 64 characters. Absent: "1.0.0".' }),
    description: t.string({ description: 'What it is, for people; at most 1,024 characters.' }),
    commands: t.field({
      type: [CommandDefinitionInput],
      description: 'At most 200, each name once. Absent or empty: its things accept any action.',
    }),
  }),
})

interface ThingTypePayload {
  value: ThingType | null
  errors: UserError[]
}

const payload = (name: string, description: string, what: string) =>
  builder.objectRef<ThingTypePayload>(name).implement({
    description,
    fields: (t) => ({
      thingType: t.expose('value', { type: ThingTypeType, nullable: true, description: what }),
      errors: t.expose('errors', { type: [UserErrorType], description: ERRORS_DESCRIPTION }),
    }),
  })

const DefinePayload = payload(
  'DefineThingTypePayload',
  'What defineThingType did.',
  'As it is now; null where there are errors.',
)
const DeletePayload = payload(
  'DeleteThingTypePayload',
  'What deleteThingType did.',
  'As it was; null where there are errors.',
)

builder.queryFields((t) => ({
  thingType: t.field({
    authScopes: { read: true },
    type: ThingTypeType,
    nullable: true,
    description: 'One Thing Type; null where there is none of that name.',
    args: { name: t.arg.id({ required: true, description: 'Its name.' }) },
    resolve: (_root, { name }, { thingTypes, caller }) =>
      coversType(caller.authority, name) ? thingTypes.load(name) : null,
  }),
  thingTypes: t.connection(
    {
      authScopes: { read: true },
      type: ThingTypeType,
      description: 'Thing Types by name.',
      resolve: (_root, args, { domain, caller }) =>
        resolvePage(
          'type',
          args,
          ({ name }: ThingType) => name,
          (page) => listThingTypes(domain, caller.authority, page),
        ),
    },
    { name: 'ThingTypeConnection', description: 'A page of Thing Types (Relay).' },
    { name: 'ThingTypeEdge', description: 'A Thing Type in a page.' },
  ),
}))

builder.mutationFields((t) => ({
  defineThingType: t.field({
    authScopes: { manage: true },
    type: DefinePayload,
    description:
      'Creates a Thing Type or replaces the one of that name. Errors: INPUT_INVALID, TTL_OUT_OF_RANGE, SCHEMA_INVALID, OVERLOADED.',
    args: { input: t.arg({ type: DefineThingTypeInput, required: true, description: 'The Thing Type.' }) },
    resolve: async (_root, { input }, { domain, caller }) => payloadOf(await defineThingType(domain, caller, input)),
  }),
  deleteThingType: t.field({
    authScopes: { manage: true },
    type: DeletePayload,
    description: 'Deletes a Thing Type. Errors: THING_TYPE_NOT_FOUND; THING_TYPE_IN_USE while things have it.',
    args: { name: t.arg.id({ required: true, description: 'Its name.' }) },
    resolve: async (_root, { name }, { domain, caller }) => payloadOf(await deleteThingType(domain, caller, name)),
  }),
}))
