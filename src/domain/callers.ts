/** Who asks, and until when: whoever's authority ends loses what it has open. */
import { type Caller, EVERYTHING } from './access.ts'
import type { Context } from './context.ts'
import { Unauthenticated } from './errors.ts'
import { createKeyring } from './keyring.ts'

/** Where a request comes from. */
export type Origin = Pick<Caller, 'address' | 'requestId'>

type Known = Pick<Caller, 'name' | 'authority' | 'endsAt'>

/** Whom a token names; undefined where it is not good. */
export type ReadToken = (token: string) => Promise<Known | undefined>

export interface Callers {
  /** Whether anybody may do anything. */
  isOpen(): boolean
  /** `authorization`: as in the header of that name. Throws or rejects with Unauthenticated. */
  identify(authorization: string | undefined, origin: Origin): Caller | Promise<Caller>
  /** Calls `end` once the caller may no longer be here. Returns the function that lets go. */
  hold(caller: Caller, end: () => void): () => void
  /** Looks now who has to go; otherwise that is done every second. */
  look(): Promise<void>
  stop(): Promise<void>
}

interface Hold {
  caller: Caller
  end: () => void
}

/**
 * Without any key and any way to check tokens it is open: app.ts lets that be on the loopback only. It ends with the first key,
 * whoever made it, and does not come back while the service runs.
 */
export async function createCallers(ctx: Pick<Context, 'db' | 'log'>, readToken?: ReadToken): Promise<Callers> {
  const holds = new Set<Hold>()
  const held = () => [...holds].flatMap(({ caller }) => (isKeyName(caller.name) ? caller.name : []))
  const keyring = await createKeyring(ctx, { held, onLook })
  const isOpen = () => !readToken && !keyring.hasKeys()

  return { isOpen, identify, hold, look: keyring.look, stop: keyring.stop }

  function identify(authorization: string | undefined, origin: Origin): Caller | Promise<Caller> {
    if (!isOpen()) return recognise(authorization, origin)
    const anybody = { name: null, authority: EVERYTHING, ...origin }
    if (authorization === undefined) return anybody
    // The first key may be a second old, made at another replica: whoever shows it is known by it.
    return recognise(authorization, origin).catch((error: unknown) => {
      if (error instanceof Unauthenticated) return anybody
      throw error
    })
  }

  async function recognise(authorization: string | undefined, origin: Origin): Promise<Caller> {
    if (authorization === undefined) throw new Unauthenticated(NOTHING_SHOWN)
    const [scheme = '', shown = ''] = authorization.split(' ', 2)
    const known = scheme.toLowerCase() === 'basic' ? await checkKey(shown) : await checkToken(scheme, shown)
    if (!known) throw new Unauthenticated(NOT_GOOD)
    return { ...known, ...origin }
  }

  async function checkKey(shown: string): Promise<Known | undefined> {
    const [id = '', ...rest] = Buffer.from(shown, 'base64').toString('utf8').split(':')
    const authority = await keyring.check(id, rest.join(':'))
    return authority && { name: id, authority }
  }

  async function checkToken(scheme: string, shown: string): Promise<Known | undefined> {
    return scheme.toLowerCase() === 'bearer' ? readToken?.(shown) : undefined
  }

  function hold(caller: Caller, end: () => void): () => void {
    const one = { caller, end }
    holds.add(one)
    return () => holds.delete(one)
  }

  function onLook(endedKeys: ReadonlySet<string>): void {
    for (const one of holds) {
      if (mayStay(one.caller, endedKeys)) continue
      holds.delete(one)
      one.end()
    }
  }

  function mayStay({ name, endsAt }: Caller, endedKeys: ReadonlySet<string>): boolean {
    if (name === null) return isOpen()
    return isKeyName(name) ? !endedKeys.has(name) : !endsAt || endsAt.getTime() > Date.now()
  }
}

/** Names of users have a prefix (access/token.ts), so that nobody's token is taken for a key. */
const isKeyName = (name: string | null): name is string => name?.startsWith('ak_') === true

const NOTHING_SHOWN =
  'Show who you are: Authorization: Basic with an API key (fleet-commands keys create), or Bearer with a token.'
const NOT_GOOD = 'This key or token is not good here: unknown, wrong, expired or revoked.'
