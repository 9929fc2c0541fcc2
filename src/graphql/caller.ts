import { type Caller, isNarrowed, type Role } from '../domain/access.ts'
import { builder } from './builder.ts'

const ROLES: Record<Role, { value: Role; description: string }> = {
  viewer: { value: 'viewer', description: 'Sees things, types and executions.' },
  operator: { value: 'operator', description: 'Also sends and cancels commands.' },
  admin: {
    value: 'admin',
    description: 'Also registers things and defines types; where it is not narrowed, keys and the audit.',
  },
}

export const RoleType = builder.enumType('Role', {
  description: 'What a caller may do, each more than the one before.',
  values: { VIEWER: ROLES.viewer, OPERATOR: ROLES.operator, ADMIN: ROLES.admin },
})

/** What a scope's fields mean, wherever they are. */
export const SCOPE = {
  things: 'Patterns of thing ids, such as "door-*": only these things exist for it. Null: all.',
  thingTypes: 'Patterns of Thing Types: only things of these types, and what was sent to them as such. Null: all.',
  actions: 'Patterns of actions: only these can be sent, and only executions with them are seen. Null: all.',
}

const CallerType = builder.objectRef<Caller>('Caller').implement({
  description: 'Who asks, and what is granted: what is not, a client need not offer.',
  fields: (t) => ({
    name: t.exposeString('name', {
      nullable: true,
      description: 'The id of the key ("ak_…"), or "user:" and the subject of the token; null: anonymous.',
    }),
    role: t.field({ type: RoleType, description: 'The role.', resolve: ({ authority }) => authority.role }),
    things: t.stringList({
      nullable: true,
      description: SCOPE.things,
      resolve: ({ authority }) => copy(authority.things),
    }),
    thingTypes: t.stringList({
      nullable: true,
      description: SCOPE.thingTypes,
      resolve: ({ authority }) => copy(authority.thingTypes),
    }),
    actions: t.stringList({
      nullable: true,
      description: SCOPE.actions,
      resolve: ({ authority }) => copy(authority.actions),
    }),
    isNarrowed: t.boolean({
      description: 'Whether any of the three lists narrows it.',
      resolve: ({ authority }) => isNarrowed(authority),
    }),
  }),
})

const copy = (patterns: readonly string[] | null): string[] | null => patterns && [...patterns]

builder.queryFields((t) => ({
  caller: t.field({
    authScopes: { read: true },
    type: CallerType,
    description: 'Who you are here, by what your request showed.',
    resolve: (_root, _args, { caller }) => caller,
  }),
}))
