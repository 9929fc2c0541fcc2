/** Who is signed in, in this tab. */
import { createStore } from './store.ts'

export interface Session {
  /** The header that requests carry; undefined: none is needed, or none is known yet. */
  authorization: string | undefined
  /** The service wants to know who asks. */
  isWanted: boolean
  /** Why it was refused, for the sign-in. */
  problem: string | undefined
}

const KEY = 'fleet-commands.authorization'

/**
 * Kept in sessionStorage: it survives a reload, ends with the tab, and other tabs do not have it. In localStorage a key that
 * is good for months would lie on the disk of whatever machine somebody once signed in on.
 */
export const session = createStore<Session>({ authorization: read(), isWanted: false, problem: undefined })

export const basicOf = (id: string, secret: string): string => `Basic ${encode(`${id}:${secret}`)}`
export const bearerOf = (token: string): string => `Bearer ${token}`

export function signIn(authorization: string): void {
  write(authorization)
  session.set({ authorization, isWanted: false, problem: undefined })
}

export function signOut(): void {
  write(undefined)
  session.set({ authorization: undefined, isWanted: true, problem: undefined })
}

/** The service did not take what was shown. What comes late from a session before is not about this one. */
export function refuse(shown: string | undefined): void {
  const { authorization, isWanted } = session.get()
  if (shown !== authorization || isWanted) return
  write(undefined)
  const problem = authorization && 'This key or token is not good here: unknown, wrong, expired or revoked.'
  session.set({ authorization: undefined, isWanted: true, problem })
}

function encode(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)))
}

function read(): string | undefined {
  try {
    return sessionStorage.getItem(KEY) ?? undefined
  } catch {
    return undefined
  }
}

function write(authorization: string | undefined): void {
  try {
    if (authorization) sessionStorage.setItem(KEY, authorization)
    else sessionStorage.removeItem(KEY)
  } catch {
    // Without storage one signs in again after a reload.
  }
}
