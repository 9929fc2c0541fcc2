/** The console: files that were built (console/), and served as they are. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type Context, Hono } from 'hono'
import { CONTENT_POLICY_HEADER } from '../base/answer-headers.ts'
import { policyOf } from './page.ts'

const FOLDER = fileURLToPath(new URL('../../dist/console/', import.meta.url))
const ASSETS = 'assets'
const PAGE = 'index.html'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
}

/** As Vite names what it has built: another content is another name. */
const HASHED = /-[\w-]{8}\.\w+$/
const FOR_EVER = 'public, max-age=31536000, immutable'
/** Asked for each time, and answered with 304 where it is still the same. */
const EACH_TIME = 'no-cache'

interface File {
  body: Buffer<ArrayBuffer>
  zipped: Buffer<ArrayBuffer>
  type: string
  etag: string
  cacheControl: string
}

const zip = promisify(gzip)

/**
 * Every file is read at the start, and a request can name these only: there is no path to climb out by. The addresses of
 * pages all answer with the one page, which knows what they mean.
 */
export async function createConsoleRoutes(pages: readonly string[] = CONSOLE_PAGES): Promise<Hono> {
  const files = await readFiles()
  const routes = new Hono()
  const page = files.get(PAGE)
  for (const path of pages) routes.get(path, (c) => (page ? answer(c, page, pageHeaders(c)) : c.text(NOT_BUILT, 503)))
  routes.get(`/${ASSETS}/:name`, async (c, next) => {
    const file = files.get(`${ASSETS}/${c.req.param('name')}`)
    return file ? answer(c, file) : next()
  })
  return routes
}

/** One segment for each word: whatever else is asked for is not there, also in a browser. */
const CONSOLE_PAGES = [
  '/',
  '/commands',
  '/executions/:id',
  '/overview',
  '/things',
  '/things/:id',
  '/types',
  '/types/:name',
  '/types/:name/edit',
  '/define-type',
  '/device',
]

const NOT_BUILT = 'The console is not built: npm run build. The API is at /graphql.\n'

async function readFiles(): Promise<Map<string, File>> {
  const names = await Promise.all([namesIn(''), namesIn(ASSETS)])
  const files = names.flat().map(async (name): Promise<[string, File]> => [name, await readOne(name)])
  return new Map(await Promise.all(files))
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(join(FOLDER, folder), { withFileTypes: true })
    return entries.filter((entry) => entry.isFile()).map(({ name }) => (folder ? `${folder}/${name}` : name))
  } catch (error) {
    // From the source, without a build.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function readOne(name: string): Promise<File> {
  const body = await readFile(join(FOLDER, name))
  return {
    body,
    zipped: await zip(body),
    type: TYPES[extname(name)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`,
    cacheControl: HASHED.test(name) ? FOR_EVER : EACH_TIME,
  }
}

/** Nothing inline, and nobody else's: the page is made so that it needs neither. */
const pageHeaders = (c: Context) => ({ [CONTENT_POLICY_HEADER]: policyOf('', '', c.req.header('host')) })

function answer(
  c: Context,
  { body, zipped, type, etag, cacheControl }: File,
  more: Record<string, string> = {},
): Response {
  const isZipped = /\bgzip\b/.test(c.req.header('accept-encoding') ?? '')
  const headers = { ...more, 'cache-control': cacheControl, etag, vary: 'accept-encoding' }
  if (c.req.header('if-none-match')?.includes(etag)) return c.body(null, 304, headers)
  return c.body(isZipped ? zipped : body, 200, {
    ...headers,
    'content-type': type,
    ...(isZipped && { 'content-encoding': 'gzip' }),
  })
}
