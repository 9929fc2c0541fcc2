/** The first session, one tab for each step: what a newcomer runs from left to right. Lines are short, for a laptop's editor. */
const tab = (query: string, variables?: unknown) => ({
  query,
  ...(variables !== undefined && { variables: JSON.stringify(variables, null, 2) }),
})

const DEFINE = `# 1. Define a type: what its things accept.
# Run each tab with Ctrl-Enter, from left to right.
mutation DefineType {
  defineThingType(
    input: {
      name: "com.example.thermostat"
      commands: [
        {
          name: "setTemperature"
          description: "Sets the target, in °C."
          paramsSchema: {
            type: "object"
            properties: {
              value: {
                type: "number"
                minimum: 5
                maximum: 35
              }
            }
            required: ["value"]
            additionalProperties: false
          }
        }
        {
          name: "reboot"
          description: "Restarts it."
        }
      ]
    }
  ) {
    thingType { name version commands { name } }
    errors { code message path }
  }
}
`

const REGISTER = `# 2. Register a thing. Then start it in a terminal:
#    npm run device -- thermostat-001
mutation Register {
  registerThing(
    input: {
      id: "thermostat-001"
      thingType: "com.example.thermostat"
      tags: ["lab"]
    }
  ) {
    thing { id clientId type { name version } }
    errors { code message path }
  }
}
`

const SEND = `# 3. Send a command. "wait" answers when the thing
#    has answered, or the TTL has passed.
mutation Send {
  sendCommand(
    input: {
      thingId: "thermostat-001"
      action: "setTemperature"
      params: { value: 24 }
      ttl: 10
      wait: true
    }
  ) {
    execution {
      id
      status
      statusReason { code message }
      result
      createdAt
      settledAt
    }
    errors { code message path }
  }
}
`

const LIST = `# 4. What was sent, newest first.
#    Each list matches any of its members.
query List(
  $filter: ExecutionFilter
  $after: String
) {
  executions(
    filter: $filter
    first: 20
    after: $after
  ) {
    nodes {
      id
      thingId
      action
      params
      status
      statusReason { code message }
      result
      createdAt
      settledAt
      ignoredResponses { cause status receivedAt }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`

const WATCH = `# 5. Watch: leave it running,
#    and send again from tab 3.
subscription Watch {
  executionUpdated(
    filter: { thingId: "thermostat-001" }
  ) {
    id
    action
    status
    statusReason { code message }
    result
    updatedAt
  }
}
`

const LISTED = {
  thingId: ['thermostat-001'],
  status: ['SENT', 'SUCCEEDED', 'FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED'],
}

export const GRAPHIQL_TABS = [tab(DEFINE), tab(REGISTER), tab(SEND), tab(LIST, { filter: LISTED }), tab(WATCH)]
