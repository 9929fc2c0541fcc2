/** The keys in use, remembered, and looked at every second: one that is revoked anywhere is good nowhere a second later. */
import { pause } from '../base/pause.ts'
import { type Authority, authorityOf } from './access.ts'
import { hasKeys, isKeyId, isSecretOf, type KeyState, noteUse, readKeys } from './api-keys.ts'
import type { Context } from './context.ts'

export interface Keyring {
  /** Whether there is any key. From the first one on, also from one that another process made, it stays so. */
  hasKeys(): boolean
  /** What the key may do; undefined where there is none, it is revoked or expired, or this is not its secret. */
  check(id: string, secret: string): Promise<Authority | undefined>
  /** Looks now, and not within a second. Never rejects. */
  look(): Promise<void>
  stop(): Promise<void>
}

/** What the keyring asks, and tells, of keys that somebody has something open with. */
export interface KeyHolders {
  held(): string[]
  /** After each look: which keys are good no longer, of those that were in use or held when it began. */
  onLook(ended: ReadonlySet<string>): void
}

const LOOK_EVERY_MS = 1_000
const USE_NOTED_EVERY_MS = 60_000
/** Remembered between two looks, ids that are no key's included; of more than these the database is asked each time. */
const MAX_KNOWN = 2_000

export async function createKeyring(ctx: Pick<Context, 'db' | 'log'>, holders: KeyHolders): Promise<Keyring> {
  let known = new Map<string, KeyState | 'none'>()
  const used = new Set<string>()
  const stopping = new AbortController()
  let isInUse = await hasKeys(ctx)
  let isFailing = false
  let notedAt = performance.now()
  let looking = Promise.resolve()
  const running = lookOn()

  return { hasKeys: () => isInUse, check, look, stop }

  async function check(id: string, secret: string): Promise<Authority | undefined> {
    if (!isKeyId(id)) return undefined
    const key = known.get(id) ?? (await readOne(id))
    if (key === 'none' || !key.isGood || !isSecretOf(key.secretHash, secret)) return undefined
    used.add(id)
    return authorityOf(key.role, key)
  }

  async function readOne(id: string): Promise<KeyState | 'none'> {
    const [key = 'none'] = await readKeys(ctx, [id])
    if (known.size < MAX_KNOWN) known.set(id, key)
    return key
  }

  /** Behind a look that is under way, which may have read before whoever asks for this one has written. */
  function look(): Promise<void> {
    looking = looking.then(lookOnce)
    return looking
  }

  async function lookOnce(): Promise<void> {
    try {
      isInUse ||= await hasKeys(ctx)
      const ids = [...new Set([...used, ...holders.held()])]
      const keys = ids.length > 0 ? await readKeys(ctx, ids) : []
      known = new Map(keys.map((key) => [key.id, key]))
      // Those that came meanwhile were not looked at, and are good: they were let in a moment ago.
      holders.onLook(new Set(ids.filter((id) => !keys.some((key) => key.id === id && key.isGood))))
      if (performance.now() - notedAt >= USE_NOTED_EVERY_MS) await noteUses()
      isFailing = false
    } catch (error) {
      if (!isFailing) ctx.log.error({ err: error }, 'the API keys cannot be looked at; it is tried again every second')
      isFailing = true
    }
  }

  async function noteUses(): Promise<void> {
    if (used.size === 0) return
    notedAt = performance.now()
    const ids = [...used]
    used.clear()
    await noteUse(ctx, ids)
  }

  async function lookOn(): Promise<void> {
    while (!stopping.signal.aborted) {
      await pause(LOOK_EVERY_MS, stopping.signal)
      if (!stopping.signal.aborted) await look()
    }
  }

  async function stop(): Promise<void> {
    stopping.abort()
    await running
    await looking
    await noteUses().catch((error: unknown) => ctx.log.warn({ err: error }, 'could not note which API keys were used'))
  }
}
