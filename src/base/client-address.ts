/** Where a request came from. What its headers say of that is believed from proxies that are trusted, and from nobody else. */
import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { TLSSocket } from 'node:tls'

/** A request as http/server.ts hands it over. What is absent is what the connection says. */
export type AddressedRequest = IncomingMessage & { clientAddress?: string; isSecure?: boolean }

/** Addresses and ranges (CIDR), as in TRUSTED_PROXIES. Undefined where there are none. */
export function trustProxies(proxies: readonly string[]): BlockList | undefined {
  if (proxies.length === 0) return undefined
  const list = new BlockList()
  for (const proxy of proxies) {
    const [address = '', bits] = proxy.split('/')
    if (bits === undefined) list.addAddress(address, familyOf(address))
    else list.addSubnet(address, Number(bits), familyOf(address))
  }
  return list
}

/** Notes what a trusted proxy says of a request. Costs nothing where none is trusted. */
export function readForwarded(req: AddressedRequest, proxies: BlockList | undefined): void {
  const peer = peerOf(req)
  if (!proxies || peer === undefined || !isTrusted(peer, proxies)) return
  req.clientAddress = firstStranger([...listOf(req, 'x-forwarded-for'), peer], proxies)
  const protocol = listOf(req, 'x-forwarded-proto').at(-1)
  if (protocol) req.isSecure = protocol.toLowerCase() === 'https'
}

/** The address of whoever made the request, as far as that is known: beyond proxies that are trusted. Undefined once he is gone. */
export const clientAddress = (req: AddressedRequest): string | undefined => req.clientAddress ?? peerOf(req)

/** Whether the client came with TLS: to us, or to a trusted proxy. */
export const isSecure = (req: AddressedRequest): boolean => req.isSecure ?? req.socket instanceof TLSSocket

/** Each proxy adds whom it hears to the end. From there on backwards, up to the first that is no proxy of ours. */
function firstStranger(chain: readonly string[], proxies: BlockList): string {
  let known = ''
  for (const said of chain.toReversed()) {
    const address = bare(said)
    // Nonsense was said by somebody whom no proxy of ours vouches for: it is he who came.
    if (isIP(address) === 0) return known
    known = address
    if (!isTrusted(address, proxies)) return known
  }
  return known
}

const isTrusted = (address: string, proxies: BlockList): boolean => proxies.check(address, familyOf(address))

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

const peerOf = ({ socket }: IncomingMessage): string | undefined => socket.remoteAddress && bare(socket.remoteAddress)

/** Without a port, brackets, or the prefix of an IPv4 address on an IPv6 socket. */
function bare(text: string): string {
  // The usual case, and it is asked of every request.
  if (!text.includes(':') && !text.startsWith('[')) return text
  return text
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
    .replace(/^::ffff:(?=\d+\.)/i, '')
}

function listOf({ headers }: IncomingMessage, name: string): string[] {
  const value = [headers[name] ?? []].flat().join(',')
  return value === '' ? [] : value.split(',').map((part) => part.trim())
}
