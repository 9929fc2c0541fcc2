import { type ApiKey, createApiKey, listApiKeys, revokeApiKey } from '../domain/api-keys.ts'
import type { UserError } from '../domain/errors.ts'
import { builder } from './builder.ts'
import { RoleType, SCOPE } from './caller.ts'
import { resolvePage } from './connection.ts'
import { ERRORS_DESCRIPTION, payloadOf, UserErrorType } from './user-error.ts'

const ApiKeyType = builder.objectRef<ApiKey>('ApiKey').implement({
  description: 'A key that callers present: `Authorization: Basic` with the base64 of "id:secret".',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'It begins with "ak_", and is no secret.' }),
    name: t.exposeString('name', { description: 'What it is for, for people.' }),
    role: t.expose('role', { type: RoleType, description: 'What it may do.' }),
    things: t.exposeStringList('things', { nullable: true, description: SCOPE.things }),
    thingTypes: t.exposeStringList('thingTypes', { nullable: true, description: SCOPE.thingTypes }),
    actions: t.exposeStringList('actions', { nullable: true, description: SCOPE.actions }),
    createdBy: t.exposeString('createdBy', { nullable: true, description: 'Who made it; null: an anonymous caller.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: true, description: 'When it ends; null: never.' }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'Since when it is good no longer; null: it is not revoked.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was used last, to about a minute; null: never.',
    }),
  }),
})

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'A key to be made.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What it is for: 1 to 128 characters.' }),
    role: t.field({ type: RoleType, required: true, description: 'What it may do.' }),
    things: t.stringList({ description: SCOPE.things }),
    thingTypes: t.stringList({ description: SCOPE.thingTypes }),
    actions: t.stringList({ description: SCOPE.actions }),
    expiresAt: t.field({ type: 'DateTime', description: 'When it ends, by the clock of the database. Absent: never.' }),
  }),
})

const CreateApiKeyPayload = builder
  .objectRef<{ value: { apiKey: ApiKey; secret: string } | null; errors: UserError[] }>('CreateApiKeyPayload')
  .implement({
    description: 'What createApiKey did.',
    fields: (t) => ({
      apiKey: t.field({
        type: ApiKeyType,
        nullable: true,
        description: 'Null where there are errors.',
        resolve: ({ value }) => value?.apiKey,
      }),
      secret: t.string({
        nullable: true,
        description: 'Shown this once: only its hash is kept. Null where there are errors.',
        resolve: ({ value }) => value?.secret,
      }),
      errors: t.expose('errors', { type: [UserErrorType], description: ERRORS_DESCRIPTION }),
    }),
  })

const RevokeApiKeyPayload = builder
  .objectRef<{ value: ApiKey | null; errors: UserError[] }>('RevokeApiKeyPayload')
  .implement({
    description: 'What revokeApiKey did.',
    fields: (t) => ({
      apiKey: t.expose('value', { type: ApiKeyType, nullable: true, description: 'Null where there are errors.' }),
      errors: t.expose('errors', { type: [UserErrorType], description: ERRORS_DESCRIPTION }),
    }),
  })

builder.queryFields((t) => ({
  apiKeys: t.connection(
    {
      authScopes: { manageAll: true },
      type: ApiKeyType,
      description: 'All keys, the newest first, revoked ones included.',
      resolve: (_root, args, { domain, caller }) =>
        resolvePage(
          'key',
          args,
          ({ id }: ApiKey) => id,
          (page) => listApiKeys(domain, caller, page),
        ),
    },
    { name: 'ApiKeyConnection', description: 'A page of keys (Relay).' },
    { name: 'ApiKeyEdge', description: 'A key in a page.' },
  ),
}))

builder.mutationFields((t) => ({
  createApiKey: t.field({
    authScopes: { manageAll: true },
    type: CreateApiKeyPayload,
    description:
      'Makes a key. With the first one the service stops to let anonymous callers in, at once: note the secret. Errors: INPUT_INVALID.',
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'The key.' }) },
    resolve: async (_root, { input }, { domain, caller }) => {
      const made = await createApiKey(domain, caller, input)
      if (made.ok) await domain.callers.look()
      return payloadOf(made)
    },
  }),
  revokeApiKey: t.field({
    authScopes: { manageAll: true },
    type: RevokeApiKeyPayload,
    description:
      'Revokes a key for ever. Whoever has sockets open with it loses them, at other replicas about a second later. Errors: KEY_NOT_FOUND.',
    args: { id: t.arg.id({ required: true, description: 'Its id.' }) },
    resolve: async (_root, { id }, { domain, caller }) => {
      const revoked = await revokeApiKey(domain, caller, id)
      if (revoked.ok) await domain.callers.look()
      return payloadOf(revoked)
    },
  }),
}))
