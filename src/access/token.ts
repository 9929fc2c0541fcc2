/** Tokens (JWT, RFC 7519): signed by whom we trust, for us, and not over. */
import { createHash } from 'node:crypto'
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose'
import { z } from 'zod'
import { createBoundedMap } from '../base/bounded-map.ts'
import type { JwtConfig } from '../base/config-jwt.ts'
import type { Logger } from '../base/log.ts'
import { createRareWarning } from '../base/rare-log.ts'
import { type Authority, authorityOf, isPattern, ROLES } from '../domain/access.ts'
import type { ReadToken } from '../domain/callers.ts'

/** A token is checked again after this time: its key may have left the JWKS. */
const CHECKED_FOR_MS = 60_000
const MAX_CHECKED = 1_000
const MAX_TOKEN = 8_192
const JWKS_TIMEOUT_MS = 5_000

interface Checked {
  known: { name: string; authority: Authority; endsAt: Date }
  until: number
}

const patterns = z.array(z.string().refine(isPattern)).min(1).max(50).nullish().default(null)
const claimSchema = z.object({ role: z.enum(ROLES), things: patterns, thingTypes: patterns, actions: patterns })

/** Each token is checked once a minute, however often it comes: a signature takes longer than a command. */
export function createTokenReader(config: JwtConfig, log: Logger): ReadToken {
  const verify = createVerifier(config)
  const warnOfKeys = createRareWarning(
    log,
    'tokens cannot be checked, as the keys at JWT_JWKS_URL cannot be had; they are refused',
  )
  const checked = createBoundedMap<string, Checked>(MAX_CHECKED)

  return async (token) => {
    if (token.length > MAX_TOKEN) return undefined
    // Not by the token itself, which would then be in memory for as long.
    const key = createHash('sha256').update(token).digest('base64')
    const before = checked.get(key)
    if (before && before.until > Date.now()) return before.known
    const known = await read(token)
    if (known) checked.set(key, { known, until: Math.min(Date.now() + CHECKED_FOR_MS, known.endsAt.getTime()) })
    return known
  }

  async function read(token: string): Promise<Checked['known'] | undefined> {
    try {
      return toKnown(config, await verify(token))
    } catch (error) {
      if (isOfToken(error)) log.debug({ why: error.message }, 'a token was refused')
      else warnOfKeys({ err: error })
      return undefined
    }
  }
}

/** The token is not good, or what it grants is not; anything else has to do with the keys that it is checked by. */
const isOfToken = (error: unknown): error is Error =>
  error instanceof z.ZodError ||
  (error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) &&
    error.constructor !== errors.JOSEError)

function createVerifier({ jwksUrl, secret, issuer, audience, toleranceSeconds }: JwtConfig) {
  const options: JWTVerifyOptions = {
    issuer,
    audience,
    clockTolerance: toleranceSeconds,
    requiredClaims: ['exp', 'sub'],
    // Whoever knows a public key must not be able to use it as a shared secret (RFC 8725, 2.1).
    algorithms: secret ? ['HS256', 'HS384', 'HS512'] : ASYMMETRIC,
  }
  const shared = secret === undefined ? undefined : new TextEncoder().encode(secret)
  const remote = jwksUrl && createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: JWKS_TIMEOUT_MS })
  return async (token: string): Promise<JWTPayload> => {
    if (shared) return (await jwtVerify(token, shared, options)).payload
    if (remote) return (await jwtVerify(token, remote, options)).payload
    throw new Error('tokens can be checked neither by a secret nor by a JWKS')
  }
}

const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']

function toKnown({ claim, toleranceSeconds }: JwtConfig, payload: JWTPayload): Checked['known'] {
  const { role, ...scope } = claimSchema.parse(payload[claim])
  const endsAt = new Date((Number(payload.exp) + toleranceSeconds) * 1000)
  return { name: `user:${payload.sub}`, authority: authorityOf(role, scope), endsAt }
}
