/** A process of the bench, seen from the one that started it. The other end is `parent.ts`. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { failure } from './failure.ts'
import { GIVEN_UP, type Reply } from './parent.ts'
import type { Scope } from './scope.ts'

export interface Child<Ready> {
  pid: number
  /** What it told when it was ready. */
  ready: Ready
  /** Asks it for something it serves. Rejects where it fails or ends. */
  ask<Answer>(name: string, argument?: unknown): Promise<Answer>
  stop(): Promise<void>
}

interface Waiting {
  resolve: (value: unknown) => void
  reject: (error: Error) => void
}

const READY = 0

/** Starts a module of the bench with these settings, and waits until it is ready. */
export async function startChild<Ready>(scope: Scope, module: URL, settings: unknown): Promise<Child<Ready>> {
  const name = module.pathname.split('/').slice(-2).join('/')
  const child = fork(fileURLToPath(module), [JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, Waiting>()
  const expect = (id: number) => new Promise<unknown>((resolve, reject) => waiting.set(id, { resolve, reject }))
  let asked = READY
  let problem: string | undefined
  child.on('message', (reply: Reply) => {
    if (reply.id === GIVEN_UP) problem = reply.problem
    else settle(waiting, reply)
  })
  child.once('exit', (code, signal) => {
    problem ??= `ended (${signal ?? code})`
    for (const { reject } of waiting.values()) reject(failure(`${name}: ${problem}`))
  })
  const stop = () => end(child)
  scope.defer(stop)
  const ready = (await expect(READY)) as Ready
  return {
    pid: child.pid ?? 0,
    ready,
    async ask<Answer>(what: string, argument?: unknown) {
      if (!child.connected) throw failure(`${name}: ${problem ?? 'ended'}`)
      asked += 1
      const answer = expect(asked)
      child.send({ id: asked, name: what, argument })
      return (await answer) as Answer
    },
    stop,
  }
}

function settle(waiting: Map<number, Waiting>, { id, value, problem }: Reply): void {
  const waiter = waiting.get(id)
  waiting.delete(id)
  if (problem === undefined) waiter?.resolve(value)
  else waiter?.reject(failure(problem))
}

const STOP_DEADLINE_MS = 5_000

/** Asks a process to end, and makes it end where it does not. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
  await exited
  clearTimeout(deadline)
}
