import { AUDIT_ACTIONS, type AuditAction, type AuditEvent, listAuditEvents } from '../domain/audit.ts'
import { builder } from './builder.ts'
import { resolvePage } from './connection.ts'
import { DateTimeRange } from './execution-types.ts'

type EnumName<Action extends string> = Action extends `${infer Noun}.${infer Verb}`
  ? `${Uppercase<Noun>}_${Uppercase<Verb>}`
  : never

const nameOf = (action: string) => action.replace('.', '_').toUpperCase()

const AuditActionType = builder.enumType('AuditAction', {
  description: 'What somebody did.',
  values: Object.fromEntries(
    Object.entries(AUDIT_ACTIONS).map(([value, description]) => [nameOf(value), { value, description }]),
  ) as Record<EnumName<AuditAction>, { value: AuditAction; description: string }>,
})

const AuditEventType = builder.objectRef<AuditEvent>('AuditEvent').implement({
  description: 'Who did what, when and from where.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'A UUIDv7, so it sorts by time; of a send it is the executionId.' }),
    action: t.expose('action', { type: AuditActionType, description: 'What was done.' }),
    actor: t.exposeString('actor', {
      nullable: true,
      description: 'The key ("ak_…"), the user ("user:…"), "cli", or null: an anonymous caller on this machine.',
    }),
    address: t.exposeString('address', {
      nullable: true,
      description: 'The address that it came from; null: none, as on the command line.',
    }),
    target: t.exposeString('target', { description: 'The thing, Thing Type, key or execution that it was done to.' }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description: 'Of the request, as in the log; null for sends, whose log has the executionId.',
    }),
    details: t.expose('details', { type: 'JSONObject', nullable: true, description: 'What it was, in short.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When, by the clock of the database.' }),
  }),
})

const AuditFilterType = builder.inputType('AuditFilter', {
  description: 'Each list matches any of its members; fields combine with AND.',
  fields: (t) => ({
    action: t.field({ type: [AuditActionType], description: 'With these actions.' }),
    actor: t.stringList({
      description: 'By these keys or users. Of sends no index helps to find them: give a range of time as well.',
    }),
    target: t.stringList({ description: 'Done to these things, types, keys or executions.' }),
    at: t.field({ type: DateTimeRange, description: 'In this range of time.' }),
  }),
})

builder.queryFields((t) => ({
  auditEvents: t.connection(
    {
      authScopes: { manageAll: true },
      type: AuditEventType,
      description:
        'Who did what, the newest first. Sends leave with their executions (RETENTION_DAYS); the rest stays.',
      args: { filter: t.arg({ type: AuditFilterType, description: 'Which events; absent: all.' }) },
      resolve: (_root, args, { domain }) =>
        resolvePage(
          'event',
          args,
          ({ id }: AuditEvent) => id,
          (page) => listAuditEvents(domain, args.filter ?? {}, page),
        ),
    },
    { name: 'AuditEventConnection', description: 'A page of the audit (Relay).' },
    { name: 'AuditEventEdge', description: 'An event in a page.' },
  ),
}))
