/** The part of the API that is measured, with the names of the contract. */
import { GraphQLDateTime, GraphQLJSON, GraphQLJSONObject } from 'graphql-scalars'
import { createSchema, filter, pipe } from 'graphql-yoga'
import type { NaiveContext } from './context.ts'
import { type SendInput, sendCommand } from './send.ts'
import type { Execution } from './table.ts'

const TYPE_DEFINITIONS = /* GraphQL */ `
  scalar JSON
  scalar JSONObject
  scalar DateTime
  enum ExecutionStatus { SENT SUCCEEDED FAILED REJECTED TIMED_OUT CANCELED }
  type Execution {
    id: ID! commandId: ID! thingId: ID! action: String! params: JSONObject ttl: Int! status: ExecutionStatus! result: JSON
    createdAt: DateTime! expiresAt: DateTime! settledAt: DateTime updatedAt: DateTime!
  }
  type UserError { code: String! message: String! }
  type SendCommandPayload { execution: Execution errors: [UserError!]! }
  input SendCommandInput { thingId: ID! action: String! params: JSONObject ttl: Int idempotencyKey: String }
  input ExecutionFilter { thingId: [ID!] status: [ExecutionStatus!] }
  type Query { ready: Boolean! }
  type Mutation { sendCommand(input: SendCommandInput!): SendCommandPayload! }
  type Subscription { executionUpdated(filter: ExecutionFilter): Execution! }
`

interface Filter {
  thingId?: string[] | null
  status?: string[] | null
}

const matches = ({ thingId, status }: Filter, execution: Execution): boolean =>
  (!thingId || thingId.includes(execution.thingId)) && (!status || status.includes(execution.status))

export const schema = createSchema<NaiveContext>({
  typeDefs: TYPE_DEFINITIONS,
  resolvers: {
    JSON: GraphQLJSON,
    JSONObject: GraphQLJSONObject,
    DateTime: GraphQLDateTime,
    Query: { ready: () => true },
    Mutation: { sendCommand: (_root, { input }: { input: SendInput }, ctx) => sendCommand(ctx, input) },
    Subscription: {
      executionUpdated: {
        subscribe: (_root, args: { filter?: Filter | null }, { events }) =>
          pipe(
            events.subscribe('executionUpdated'),
            filter((execution) => matches(args.filter ?? {}, execution)),
          ),
        resolve: (execution: Execution) => execution,
      },
    },
  },
})
