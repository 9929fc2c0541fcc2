/** A connection that is lost as soon as it is there fails what waits for it, and not the process. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { sql } from 'drizzle-orm'
import { describe, expect, it } from 'vitest'
import { openPostgres } from '../../src/db/connect.ts'
import { isDatabaseUnavailable } from '../../src/db/errors.ts'
import { createBackend, onServices } from '../support/backend.ts'

if (!onServices) process.stderr.write('no DATABASE_URL and MQTT_URL: new connections did NOT run\n')

/** How Postgres says that it is ready for the first query (the message ReadyForQuery, idle). */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49])
const CLIENTS = 5

/** In front of Postgres: with `isCutting` it lets each new connection begin, and cuts it when it is ready. */
async function startCutter(target: string) {
  const { hostname, port } = new URL(target)
  const sockets = new Set<Socket>()
  const cutter = { isCutting: false, cuts: 0, url: '', stop }
  const server = createServer((near) => {
    const far = connect(Number(port || 5432), hostname)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        near.destroy()
        far.destroy()
      })
    }
    near.pipe(far)
    far.on('data', (chunk: Buffer) => {
      near.write(chunk, () => {
        if (!cutter.isCutting || !chunk.includes(READY)) return
        cutter.cuts += 1
        near.destroy()
      })
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  cutter.url = Object.assign(new URL(target), {
    hostname: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
  }).href

  async function stop() {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  return cutter
}

describe.skipIf(!onServices)('a new connection that is lost at once', () => {
  it('fails what waits for it, and the next one is used', async () => {
    const backend = await createBackend()
    const cutter = await startCutter(backend.settings.databaseUrl ?? '')
    const store = await openPostgres(cutter.url, 'new-connections')
    cutter.isCutting = true
    for (let tried = 0; cutter.cuts < 20 && tried < 100; tried++) {
      const asked = Array.from({ length: CLIENTS }, () => store.db.execute(sql`select 1`))
      for (const outcome of await Promise.allSettled(asked))
        if (outcome.status === 'rejected') expect(outcome.reason).toSatisfy(isDatabaseUnavailable)
    }
    expect(cutter.cuts).toBeGreaterThanOrEqual(20)
    cutter.isCutting = false
    await expect.poll(() => store.db.execute(sql`select 1`).then(() => 'done', String)).toBe('done')
    await store.close()
    await cutter.stop()
    await backend.dispose()
  })
})
