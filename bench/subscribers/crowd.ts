/** The crowd process: sockets and subscriptions by the thousand, which count what they are sent. */
import { SETTLED } from '../load/documents.ts'
import { type GraphQLSocket, openGraphQLSocket } from '../load/websocket.ts'
import { giveUp, readSettings, serveParent } from '../processes/parent.ts'

export interface CrowdSettings {
  url: string
}

export interface Joining {
  /** New sockets; absent: those that are there. */
  sockets?: number
  subscriptionsEach: number
  /** The thing that all of them follow; absent: each another one, of which nobody ever hears. */
  thing?: string
}

const OPENING_AT_A_TIME = 50
const SUBSCRIPTION = `subscription ($things: [ID!]) {
  executionUpdated(filter: { thingId: $things, status: ${SETTLED} }) { id thingId action status result updatedAt }
}`

await serveParent(async () => {
  const { url } = readSettings<CrowdSettings>()
  let sockets: GraphQLSocket[] = []
  let others = 0
  let received = 0
  return { served: { join, leave, takeReceived } }

  async function join({ sockets: count = 0, subscriptionsEach, thing }: Joining): Promise<void> {
    for (let opened = 0; opened < count; opened += OPENING_AT_A_TIME) {
      const some = Math.min(OPENING_AT_A_TIME, count - opened)
      sockets.push(...(await Promise.all(Array.from({ length: some }, () => openGraphQLSocket(url)))))
    }
    for (const socket of sockets) {
      for (let i = 0; i < subscriptionsEach; i++) subscribe(socket, thing)
      // The answer comes after all that was asked before it.
      await new Promise<void>((resolve) => void socket.operate({ query: '{ __typename }' }, () => resolve()))
    }
  }

  function subscribe(socket: GraphQLSocket, thing: string | undefined): void {
    others += 1
    const things = [thing ?? `nobody-${others}`]
    socket.operate({ query: SUBSCRIPTION, variables: { things } }, ({ errors }) => {
      if (errors) giveUp(`a subscription failed: ${errors[0]?.message}`)
      received += 1
    })
  }

  function leave(): void {
    for (const socket of sockets) socket.close()
    sockets = []
  }

  /** How many events came since it was asked before. */
  function takeReceived(): number {
    const count = received
    received = 0
    return count
  }
})
