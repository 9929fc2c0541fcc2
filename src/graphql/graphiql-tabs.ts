/** The first session, one tab for each step: what a newcomer runs from left to right. */
const query = (text: string, variables?: unknown) => ({
  query: text,
  ...(variables !== undefined && { variables: JSON.stringify(variables, null, 2) }),
})

export const GRAPHIQL_TABS = [
  query(`# 1. Define a type: what its things accept. Run each tab with Ctrl-Enter, from left to right.
mutation DefineType {
  defineThingType(
    input: {
      name: "com.example.thermostat"
      commands: [
        {
          name: "setTemperature"
          description: "Sets the target temperature in degrees Celsius."
          paramsSchema: {
            type: "object"
            properties: { value: { type: "number", minimum: 5, maximum: 35 } }
            required: ["value"]
            additionalProperties: false
          }
        }
        { name: "reboot", description: "Restarts the device." }
      ]
    }
  ) {
    thingType { name version commands { name description } }
    errors { code message path }
  }
}
`),
  query(`# 2. Register a thing. Then start it in a terminal:  npm run device -- thermostat-001
mutation Register {
  registerThing(input: { id: "thermostat-001", thingType: "com.example.thermostat", tags: ["lab"] }) {
    thing { id clientId type { name version } }
    errors { code message path }
  }
}
`),
  query(
    `# 3. Send a command, and wait until the thing has answered or the TTL has passed.
mutation Send($input: SendCommandInput!) {
  sendCommand(input: $input) {
    execution { id status statusReason { code message } result createdAt settledAt }
    errors { code message path }
  }
}
`,
    { input: { thingId: 'thermostat-001', action: 'setTemperature', params: { value: 24 }, ttl: 10, wait: true } },
  ),
  query(
    `# 4. What was sent, newest first. Each list of the filter matches any of its members.
query List($filter: ExecutionFilter, $after: String) {
  executions(filter: $filter, first: 20, after: $after) {
    nodes {
      id thingId action params status statusReason { code message } result createdAt settledAt
      ignoredResponses { cause status result receivedAt }
    }
    pageInfo { hasNextPage endCursor }
  }
}
`,
    {
      filter: {
        thingId: ['thermostat-001'],
        status: ['SENT', 'SUCCEEDED', 'FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED'],
      },
    },
  ),
  query(`# 5. Watch: leave it running, and send again from tab 3.
subscription Watch {
  executionUpdated(filter: { thingId: "thermostat-001" }) {
    id thingId action status statusReason { code message } result updatedAt
  }
}
`),
]
