/** Who may come into the embedded broker, and for which things a client may act: asked of the database once for each client and registry change. */
import type { Client } from 'aedes'
import type { Logger } from '../base/log.ts'
import { createRareWarning } from '../base/rare-log.ts'
import { type ClientLookup, type ClientThing, isAuthentic } from '../domain/clients.ts'

/**
 * `member`: it is a thing. `stranger`: it is none, and may come in all the same, to do nothing. `unknown`: the lookup failed.
 */
export type Verdict = 'member' | 'stranger' | 'refused' | 'unknown'

/** What a client says of itself when it connects. Its user name is not looked at: the clientId says which thing it is. */
export interface Credentials {
  clientId: string
  password: Buffer | undefined
}

export interface Access {
  /** Whether a client may come in. Never rejects. What it may do is known from then on. */
  admit(client: Client, credentials: Credentials): Promise<Verdict>
  /** Calls back with the client's things, at once where they are known, in the order of the calls; undefined where the lookup failed. */
  withThings(client: Client, use: (things: ReadonlySet<string> | undefined) => void): void
  /** What the last lookup said, now. Where the registry has changed since, another one starts. */
  lastKnownThings(client: Client): ReadonlySet<string>
  /** The registry changed: look up again when next asked. */
  refresh(): void
}

export interface AccessOptions {
  lookUpClient: ClientLookup
  /** Whoever reaches the broker may come in, except as a thing that has a secret. Else only things come in, with their secret. */
  isOpen: boolean
  log: Logger
}

interface Known {
  clientId: string
  things: ReadonlySet<string>
  /** The one that it was let in by; null: by none. */
  secretHash: string | null
  version: number
  lookup: Promise<ReadonlySet<string> | undefined> | undefined
}

const NOTHING: ReadonlySet<string> = new Set()

export function createAccess({ lookUpClient, isOpen, log }: AccessOptions): Access {
  const knownOf = new WeakMap<Client, Known>()
  const warnOfFailure = createRareWarning(log, 'the things of an MQTT client cannot be looked up; it is refused')
  const warnOfRefusal = createRareWarning(log, 'an MQTT client was not let in')
  let version = 0
  return {
    admit,
    withThings,
    lastKnownThings,
    refresh() {
      version += 1
    },
  }

  async function admit(client: Client, { clientId, password }: Credentials): Promise<Verdict> {
    // Of now, also where the registry changes meanwhile: then it is looked up again before the client does anything.
    const askedVersion = version
    try {
      const thing = await lookUpClient(clientId)
      const problem = await findProblem(thing, password)
      if (problem) {
        warnOfRefusal({ clientId, problem })
        return 'refused'
      }
      const secretHash = thing?.secretHash ?? null
      knownOf.set(client, { clientId, things: thingsOf(thing), secretHash, version: askedVersion, lookup: undefined })
      return thing ? 'member' : 'stranger'
    } catch (error) {
      warnOfFailure({ err: error, clientId })
      return 'unknown'
    }
  }

  async function findProblem(thing: ClientThing | undefined, password: Buffer | undefined) {
    if (isOpen && !thing?.secretHash) return undefined
    if (!thing) return 'no thing has this clientId'
    if (thing.secretHash === null)
      return 'the thing has no secret, which it must have here (rotateThingSecret issues one)'
    if (!password) return 'the secret of the thing is missing: it is the MQTT password'
    return (await isAuthentic(thing, password)) ? undefined : 'this is not the secret of the thing'
  }

  function withThings(client: Client, use: (things: ReadonlySet<string> | undefined) => void): void {
    const known = knownOf.get(client)
    if (!known) use(NOTHING)
    else if (known.version === version) use(known.things)
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
      const thing = await lookUpClient(known.clientId)
      // Let in by another secret, or without one: it has to come again.
      const isOutdated = (thing?.secretHash ?? null) !== known.secretHash
      const things = isOutdated ? NOTHING : thingsOf(thing)
      const hasLost = [...known.things].some((id) => !things.has(id))
      known.things = things
      known.version = askedVersion
      // Its subscriptions to a thing that it lost end with its connection; they are authorised again at the next.
      if (hasLost || isOutdated) client.close()
      return things
    } catch (error) {
      warnOfFailure({ err: error, clientId: known.clientId })
      return undefined
    }
  }
}

const thingsOf = (thing: ClientThing | undefined): ReadonlySet<string> => (thing ? new Set([thing.thingId]) : NOTHING)
