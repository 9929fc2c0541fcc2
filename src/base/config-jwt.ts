/** The settings by which tokens of callers (JWT) are checked. */
import { z } from 'zod'
import { ConfigError, type Environment, read, setting, urlOf, wholeNumber } from './setting.ts'

export interface JwtConfig {
  /** Where the public keys are; or the shared secret. */
  jwksUrl: string | undefined
  secret: string | undefined
  issuer: string
  audience: string
  /** The claim that says what the user may do. */
  claim: string
  /** By so much clocks may differ. */
  toleranceSeconds: number
}

/** As long as the hash of HS256 (RFC 7518, 3.2). */
const LEAST_SECRET = 32
const text = (expected: string) => setting(z.string().min(1).max(512), expected)

const SETTINGS = {
  JWT_JWKS_URL: setting(urlOf(['https:', 'http:']), 'a URL such as https://id.example.com/.well-known/jwks.json'),
  JWT_SECRET: setting(z.string().min(LEAST_SECRET), `a secret of at least ${LEAST_SECRET} characters`, true),
  JWT_ISSUER: text('the `iss` of the tokens'),
  JWT_AUDIENCE: text('the `aud` of the tokens'),
  JWT_CLAIM: text('the name of the claim that holds the role'),
  JWT_CLOCK_TOLERANCE: setting(wholeNumber(0, 600), 'a whole number of seconds from 0 to 600'),
}

/** Undefined where tokens are not accepted. Throws a ConfigError that names the variable and what is expected. */
export function readJwt(env: Environment): JwtConfig | undefined {
  const jwksUrl = read('JWT_JWKS_URL', SETTINGS.JWT_JWKS_URL, env)
  const secret = read('JWT_SECRET', SETTINGS.JWT_SECRET, env)
  const issuer = read('JWT_ISSUER', SETTINGS.JWT_ISSUER, env)
  const audience = read('JWT_AUDIENCE', SETTINGS.JWT_AUDIENCE, env)
  if (!jwksUrl && !secret && !issuer && !audience) return undefined
  if (jwksUrl && secret) throw new ConfigError('JWT_SECRET: got one together with JWT_JWKS_URL, expected one of them')
  if (!jwksUrl && !secret)
    throw new ConfigError('JWT_JWKS_URL: got nothing, expected it or JWT_SECRET, by which tokens are checked')
  if (!issuer) throw new ConfigError('JWT_ISSUER: got nothing, expected the `iss` of the tokens that are accepted')
  if (!audience)
    throw new ConfigError('JWT_AUDIENCE: got nothing, expected the `aud` that tokens for this service have')
  return {
    jwksUrl,
    secret,
    issuer,
    audience,
    claim: read('JWT_CLAIM', SETTINGS.JWT_CLAIM, env) ?? 'fleet_commands',
    toleranceSeconds: read('JWT_CLOCK_TOLERANCE', SETTINGS.JWT_CLOCK_TOLERANCE, env) ?? 5,
  }
}
