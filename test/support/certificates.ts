/** Certificates of a test's own: a CA, and what it has signed, as files and as text. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import WebSocket from 'ws'

export interface IssuedCertificate {
  certFile: string
  keyFile: string
  cert: string
  key: string
}

/** A WebSocket that believes this CA, for clients that take a class. */
export const trusting = (ca: string) =>
  class extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols, { ca })
    }
  }

/** The lines of a Mosquitto that shows this certificate, and asks for one of this CA. */
export const mosquittoWithTls =
  ({ caFile }: Authority, { certFile, keyFile }: IssuedCertificate) =>
  (port: number) => [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    `cafile ${caFile}`,
    `certfile ${certFile}`,
    `keyfile ${keyFile}`,
    'require_certificate true',
  ]

export interface Authority {
  folder: string
  caFile: string
  ca: string
  /** For 127.0.0.1 and localhost, as a server and as a client. */
  issue(name: string): IssuedCertificate
  remove(): void
}

export function createAuthority(name = 'Test CA'): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'fc-ca-'))
  const at = (file: string) => join(folder, file)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-days',
    '2',
    '-subj',
    `/CN=${name}`,
  )
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost\n')
  return {
    folder,
    caFile: at('ca.pem'),
    ca: readFileSync(at('ca.pem'), 'utf8'),
    issue(subject) {
      const [request, keyFile, certFile] = ['csr', 'key', 'pem'].map((ending) => at(`${subject}.${ending}`)) as [
        string,
        string,
        string,
      ]
      openssl('req', ...newKey, '-keyout', keyFile, '-out', request, '-subj', `/CN=${subject}`)
      const signer = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('names')]
      openssl('x509', '-req', '-in', request, ...signer, '-days', '2', '-out', certFile)
      return { certFile, keyFile, cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
