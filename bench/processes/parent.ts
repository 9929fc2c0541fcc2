/** The process that started this one: it is told when we are ready, and asks us for what we serve. */

export interface Request {
  id: number
  name: string
  argument?: unknown
}

export interface Reply {
  id: number
  value?: unknown
  problem?: string
}

/** The reply of a process that was not asked, and ends. */
export const GIVEN_UP = -1

/** What can be asked of this process, by name. */
export type Served = Record<string, (argument: never) => unknown>

/** The settings we were started with. */
export function readSettings<T>(): T {
  return JSON.parse(process.argv[2] ?? '{}') as T
}

/** Serves the parent until it goes; `start` gives what it is told first, and what it may ask. */
export async function serveParent(start: () => Promise<{ ready?: unknown; served?: Served }>): Promise<void> {
  // However the parent ends, nothing of it is left behind.
  process.on('disconnect', () => process.exit())
  try {
    const { ready, served = {} } = await start()
    process.on('message', (request: Request) => void answer(served, request))
    reply({ id: 0, value: ready })
  } catch (error) {
    reply({ id: 0, problem: messageOf(error) })
  }
}

/** Ends this process, and tells why: for what fails where nobody asked. */
export function giveUp(problem: string): never {
  reply({ id: GIVEN_UP, problem })
  process.exit(1)
}

async function answer(served: Served, { id, name, argument }: Request): Promise<void> {
  try {
    const serve = served[name]
    if (!serve) throw new Error(`nothing is served as ${name}`)
    reply({ id, value: await serve(argument as never) })
  } catch (error) {
    reply({ id, problem: messageOf(error) })
  }
}

const reply = (message: Reply): void => void process.send?.(message)

const messageOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))
