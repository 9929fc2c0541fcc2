/** For a broker that asks over HTTP who its clients are, and what they may do: EMQX' HTTP authentication and authorisation. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { HTTPException } from 'hono/http-exception'
import { z } from 'zod'
import { createClientLookup } from '../domain/clients.ts'
import type { Context } from '../domain/context.ts'
import { authenticateDevice, isDeviceAllowed } from '../domain/device-access.ts'
import { describeFailure } from '../domain/errors.ts'
import { MAX_BODY_BYTES } from './body.ts'
import { problem, problemResponse } from './problem.ts'

const text = z.string({ error: 'expected a string' })
const optionalText = text.nullish()

const loginSchema = z.object({ clientid: text, username: optionalText, password: optionalText }, 'expected an object')
/** Brokers fill templates in, so that a number or a boolean may come as a string. */
const deedSchema = z.object(
  {
    clientid: text,
    username: optionalText,
    topic: text,
    action: z.enum(['publish', 'subscribe'], { error: 'expected publish or subscribe' }),
    qos: z.union([z.number(), z.string()], { error: 'expected 0, 1 or 2' }).nullish(),
    retain: z.union([z.boolean(), z.string()], { error: 'expected true or false' }).nullish(),
  },
  'expected an object',
)
const NOT_RETAINED: unknown[] = [undefined, null, false, 'false', '']

/** Only for whoever knows the secret. */
export function createMqttAuthRoutes(ctx: Context, secret: string): Hono {
  const routes = new Hono()
  const lookUp = createClientLookup(ctx)
  routes.use('/mqtt/*', async (c, next) => {
    if (!isBearerOf(secret, c.req.header('authorization')))
      throw problem(
        401,
        'UNAUTHENTICATED',
        'Expected the header Authorization: Bearer with the secret of MQTT_AUTH_SECRET.',
      )
    await next()
  })
  routes.use('/mqtt/*', bodyLimit({ maxSize: MAX_BODY_BYTES, onError: tooLarge }))
  routes.post('/mqtt/auth', async (c) => {
    const { clientid: clientId, username, password } = await readBody(c.req.raw, loginSchema)
    const result = await authenticateDevice(lookUp, { clientId, username, password })
    if (result === 'deny') ctx.log.warn({ clientId: clientId.slice(0, 128) }, 'an MQTT client was not let in')
    return c.json({ result, is_superuser: false })
  })
  routes.post('/mqtt/acl', async (c) => {
    const { clientid: clientId, action, topic, retain } = await readBody(c.req.raw, deedSchema)
    const deed = { clientId, action, topic, retain: !NOT_RETAINED.includes(retain) }
    return c.json({ result: (await isDeviceAllowed(lookUp, deed)) ? 'allow' : 'deny' })
  })
  routes.onError((error) => answerFailure(ctx, error))
  return routes
}

/** Whatever is not 200 is "I do not know" to the broker, which refuses then. */
function answerFailure({ log }: Context, error: Error): Response {
  if (error instanceof HTTPException) return error.getResponse()
  const { code, message } = describeFailure(error)
  const isOutage = code === 'DATABASE_UNAVAILABLE'
  if (!isOutage) log.error({ err: error }, 'a question of the broker failed')
  return problemResponse(isOutage ? 503 : 500, code, message)
}

const tooLarge = () => problemResponse(413, 'INPUT_INVALID', `Expected a body of at most ${MAX_BODY_BYTES} bytes.`)

/** Names what is wrong with the body, and not what is in it: a password may be. */
async function readBody<T>(request: Request, schema: z.ZodType<T>): Promise<T> {
  const json: unknown = await request.json().catch(() => undefined)
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
  throw problem(400, 'INPUT_INVALID', problems.join('; '))
}

/** Of digests, which have one length: how long it takes says nothing of the secret. */
const isBearerOf = (secret: string, header = ''): boolean => timingSafeEqual(digest(`Bearer ${secret}`), digest(header))

const digest = (value: string): Buffer => createHash('sha256').update(value).digest()
