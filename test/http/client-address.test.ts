/** Where a request came from, as a server sees it that has proxies in front. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientAddress, isSecure, readForwarded, trustProxies } from '../../src/base/client-address.ts'

describe('the address of a client', () => {
  let handle: (req: IncomingMessage) => void
  const server = createServer((req, res) => {
    handle(req)
    res.end()
  })
  let url: string

  beforeAll(async () => {
    // As an IPv4 client of an IPv6 socket comes: ::ffff:127.0.0.1.
    await new Promise<void>((resolve) => server.listen(0, '::', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => server.close())

  async function seen(trusted: string[], headers: Record<string, string>) {
    let found: { address: string | undefined; secure: boolean } | undefined
    handle = (req) => {
      readForwarded(req, trustProxies(trusted))
      found = { address: clientAddress(req), secure: isSecure(req) }
    }
    await fetch(url, { headers })
    return found
  }

  const FORWARDED = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https' }

  it('is that of the connection, whatever a stranger says', async () => {
    const plain = { address: '127.0.0.1', secure: false }
    expect(await seen([], FORWARDED)).toEqual(plain)
    expect(await seen(['10.0.0.1', '::1', '192.168.0.0/16'], FORWARDED)).toEqual(plain)
    expect(await seen(['127.0.0.1'], {})).toEqual(plain)
  })

  it.each([['127.0.0.1'], ['127.0.0.0/8'], ['10.0.0.1', '127.0.0.1']])(
    'is what a trusted proxy says (%s)',
    async (...trusted) => {
      expect(await seen(trusted, FORWARDED)).toEqual({ address: '203.0.113.9', secure: true })
    },
  )

  it.each([
    ['a proxy behind a proxy', '203.0.113.9, 10.0.0.7', '203.0.113.9'],
    ['who forged the beginning', '198.51.100.1, 203.0.113.9, 10.0.0.7', '203.0.113.9'],
    ['who forged a trusted address', '10.0.0.8, 203.0.113.9', '203.0.113.9'],
    ['nobody but proxies', '10.0.0.8, 10.0.0.7', '10.0.0.8'],
    ['a port', '203.0.113.9:4711, 10.0.0.7:80', '203.0.113.9'],
    ['IPv6', '2001:db8::1', '2001:db8::1'],
    ['IPv6 with a port', '[2001:db8::1]:4711', '2001:db8::1'],
    ['IPv4 in IPv6', '::ffff:203.0.113.9', '203.0.113.9'],
    ['nonsense', 'unknown', '127.0.0.1'],
    ['nonsense before a proxy', '<script>, 10.0.0.7', '10.0.0.7'],
    ['nothing', ' , ', '127.0.0.1'],
  ])('of %s is the last one that no proxy of ours has', async (_what, forwarded, address) => {
    expect(await seen(['127.0.0.1', '10.0.0.0/8'], { 'x-forwarded-for': forwarded })).toMatchObject({ address })
  })

  it('came with TLS where the proxy next to us says so', async () => {
    const trusted = ['127.0.0.1']
    expect(await seen(trusted, { 'x-forwarded-proto': 'http' })).toMatchObject({ secure: false })
    expect(await seen(trusted, { 'x-forwarded-proto': 'https, http' })).toMatchObject({ secure: false })
    expect(await seen(trusted, { 'x-forwarded-proto': 'HTTPS' })).toMatchObject({ secure: true })
  })
})
