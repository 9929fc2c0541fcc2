/** The files of the console, as a browser or a cache in front of it asks for them. */
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ask } from '../support/raw-http.ts'
import { type Service, startService } from '../support/service.ts'

describe('the files of the console', () => {
  let service: Service
  let html = ''
  let assets: string[] = []

  beforeAll(async () => {
    service = await startService({ replicas: 1 })
    html = (await ask(`${service.url}/`)).text
    assets = Array.from(html.matchAll(/(?:src|href)="([^"]+)"/g), ([, path = '']) => path)
  })

  afterAll(() => service.stop())

  it('answers with the one page at every address of a page', async () => {
    expect(html).toContain('<div id="root">')
    for (const path of ['/commands', '/commands?status=FAILED', '/executions/01a20a52-0000-7000-8000-000000000000']) {
      const { status, text, headers } = await ask(`${service.url}${path}`)
      expect({ path, status, text }).toEqual({ path, status: 200, text: html })
      expect(headers).toMatchObject({ 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-cache' })
      expect(headers['content-security-policy']).toMatch(/script-src 'self'; style-src 'self'; /)
    }
  })

  it('has in it nothing inline, and nothing of others', () => {
    expect(assets.length).toBeGreaterThan(3)
    for (const path of assets) expect(path).toMatch(/^\/assets\/[\w.-]+$/)
    expect(html).not.toMatch(/<style|\sstyle=|<script>|\son\w+=/)
  })

  it('lets what has a hash in its name be kept for ever, and asks of the rest whether it is the same', async () => {
    for (const path of assets) {
      const { status, headers } = await ask(`${service.url}${path}`)
      expect({ path, status }).toEqual({ path, status: 200 })
      const isHashed = /-[\w-]{8}\.(js|css)$/.test(path)
      expect({ path, cache: headers['cache-control'] }).toEqual({
        path,
        cache: isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
      })
      const type = { js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' }[path.split('.').at(-1) ?? '']
      expect(headers['content-type']).toContain(type)
      const again = await ask(`${service.url}${path}`, { headers: { 'if-none-match': String(headers['etag']) } })
      expect({ path, status: again.status, text: again.text }).toEqual({ path, status: 304, text: '' })
    }
  })

  it('sends them smaller to whoever can unpack them', async () => {
    const script = assets.find((path) => /-[\w-]{8}\.js$/.test(path)) ?? ''
    const plain = await fetch(`${service.url}${script}`, { headers: { 'accept-encoding': 'identity' } })
    expect(plain.headers.get('content-encoding')).toBeNull()
    const zipped = await fetch(`${service.url}${script}`, { headers: { 'accept-encoding': 'gzip' } })
    expect(zipped.headers.get('content-encoding')).toBe('gzip')
    expect(await zipped.text()).toBe(await plain.text())
  })

  it('gives no other file, whatever path is asked for', async () => {
    for (const path of [
      '/assets/../index.html',
      '/assets/..%2findex.html',
      '/assets/..%2f..%2f..%2fpackage.json',
      '/assets/%2e%2e/%2e%2e/package.json',
      '/assets/....//package.json',
      '/assets/..%5c..%5cpackage.json',
      '/assets/%00',
      '/assets/',
      '/assets',
      '/index.html',
      '/package.json',
      '/executions',
      '/executions/a/b',
      '/nothing',
      '/assets/__proto__',
      '/assets/%E0%A4%A',
    ]) {
      const { status, text } = await ask(`${service.url}${path}`)
      expect({ path, status }).toEqual({ path, status: 404 })
      expect(text).not.toContain('fleet-commands"')
    }
  })

  it('loads less than 200 KB of script before the first page is there', async () => {
    const scripts = assets.filter((path) => path.endsWith('.js'))
    const bodies = await Promise.all(scripts.map(async (path) => (await fetch(`${service.url}${path}`)).arrayBuffer()))
    const bytes = bodies.reduce((sum, body) => sum + gzipSync(Buffer.from(body)).byteLength, 0)
    expect(bytes).toBeGreaterThan(10_000)
    expect(bytes).toBeLessThan(200 * 1024)
  })
})
