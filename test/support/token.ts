/** A service that takes tokens, for what must not be open: an address that others reach. */
import { SignJWT } from 'jose'
import type { JwtConfig } from '../../src/base/config-jwt.ts'

const SECRET = 'a secret of at least thirty-two characters'

export const JWT: JwtConfig = {
  jwksUrl: undefined,
  secret: SECRET,
  issuer: 'https://id.example.com/',
  audience: 'fleet-commands',
  claim: 'fleet_commands',
  toleranceSeconds: 0,
}

/** The same in the environment of a command line. */
export const JWT_ENV = { JWT_SECRET: SECRET, JWT_ISSUER: JWT.issuer, JWT_AUDIENCE: JWT.audience }

/** What an admin shows. */
export async function adminToken(): Promise<string> {
  const token = new SignJWT({ fleet_commands: { role: 'admin' } }).setProtectedHeader({ alg: 'HS256' })
  token.setSubject('admin').setIssuer(JWT.issuer).setAudience(JWT.audience).setExpirationTime('1h')
  return `Bearer ${await token.sign(new TextEncoder().encode(SECRET))}`
}
