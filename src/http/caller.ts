import type { IncomingMessage } from 'node:http'
import type { MiddlewareHandler } from 'hono'
import { originOf } from '../base/request-id.ts'
import { type Caller, demand, isNarrowed } from '../domain/access.ts'
import type { Context } from '../domain/context.ts'
import { Forbidden } from '../domain/errors.ts'

export interface CallerVariables {
  caller: Caller
}

/** Of an answer 401. Not Basic, for which browsers would ask in a window of their own. */
export const CHALLENGE = { 'www-authenticate': 'Bearer realm="fleet-commands"' }

interface Env {
  Bindings: { incoming: IncomingMessage }
  Variables: CallerVariables
}

/** Nobody comes further without having shown who he is, and without the right to see anything at all. */
export const requireCaller =
  ({ callers }: Pick<Context, 'callers'>): MiddlewareHandler<Env> =>
  async (c, next) => {
    const caller = await callers.identify(c.req.header('authorization'), originOf(c.env.incoming))
    demand(caller, 'read')
    c.set('caller', caller)
    await next()
  }

/** For what is of the whole fleet. */
export const requireWholeFleet: MiddlewareHandler<Env> = async (c, next) => {
  if (isNarrowed(c.get('caller').authority)) throw new Forbidden('this needs a key that is not narrowed')
  await next()
}
