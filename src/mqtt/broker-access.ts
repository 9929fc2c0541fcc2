/** Which things a client of the embedded broker may act for: asked of the database once for each client and registry change. */
import type { Client } from 'aedes'
import type { Logger } from '../base/log.ts'
import { createRareWarning } from '../base/rare-log.ts'

/** The ids of the things that a client with this id may act for. */
export type ThingsOfClient = (clientId: string) => Promise<string[]>

export interface Access {
  /** Calls back with the client's things, at once where they are known, in the order of the calls; undefined where the lookup failed. */
  withThings(client: Client, clientId: string, use: (things: ReadonlySet<string> | undefined) => void): void
  /** What the last lookup said, now. Where the registry has changed since, another one starts. */
  lastKnownThings(client: Client): ReadonlySet<string>
  /** The registry changed: look up again when next asked. */
  refresh(): void
}

interface Known {
  clientId: string
  things: ReadonlySet<string>
  version: number
  lookup: Promise<ReadonlySet<string> | undefined> | undefined
}

const NOTHING: ReadonlySet<string> = new Set()

export function createAccess(thingsOfClient: ThingsOfClient, log: Logger): Access {
  const knownOf = new WeakMap<Client, Known>()
  const warnOfFailure = createRareWarning(log, 'the things of an MQTT client cannot be looked up; it is refused')
  let version = 0
  return {
    withThings,
    lastKnownThings,
    refresh() {
      version += 1
    },
  }

  function withThings(client: Client, clientId: string, use: (things: ReadonlySet<string> | undefined) => void): void {
    const known = knownOf.get(client) ?? { clientId, things: NOTHING, version: -1, lookup: undefined }
    knownOf.set(client, known)
    if (known.version === version) use(known.things)
    else void lookUp(client, known).then(use)
  }

  function lastKnownThings(client: Client): ReadonlySet<string> {
    const known = knownOf.get(client)
    if (known && known.version !== version) void lookUp(client, known)
    return known?.things ?? NOTHING
  }

  /** One lookup at a time for each client; never rejects. */
  function lookUp(client: Client, known: Known): Promise<ReadonlySet<string> | undefined> {
    known.lookup ??= fetchThings(client, known).finally(() => {
      known.lookup = undefined
    })
    return known.lookup
  }

  async function fetchThings(client: Client, known: Known): Promise<ReadonlySet<string> | undefined> {
    const askedVersion = version
    try {
      const things = new Set(known.clientId === '' ? [] : await thingsOfClient(known.clientId))
      const hasLost = [...known.things].some((thing) => !things.has(thing))
      known.things = things
      known.version = askedVersion
      // Its subscriptions to a thing that it lost end with its connection; they are authorised again at the next.
      if (hasLost) client.close()
      return things
    } catch (error) {
      warnOfFailure({ err: error, clientId: known.clientId })
      return undefined
    }
  }
}
