/** `fleet-commands` as users run it, with nothing in its environment but what the test says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url))

export interface Running {
  process: ChildProcess
  stdout(): string
  stderr(): string
  /** Waits until its standard output holds this, and gives the match. Rejects where it ends before. */
  shows(pattern: RegExp): Promise<RegExpExecArray>
  /** Resolves with its exit code. */
  exited: Promise<number | null>
  /** Sends a signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export interface RunOptions {
  cwd: string
  env?: Record<string, string>
  /** Whether the test writes its standard input. */
  stdin?: true
}

export function startCli(args: string[], { cwd, env = {}, stdin }: RunOptions): Running {
  const child = spawn(process.execPath, [CLI, ...args], {
    cwd,
    env: { PATH: process.env['PATH'], ...env },
    stdio: 'pipe',
  })
  if (!stdin) child.stdin.end()
  const text = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk))
  const exited = once(child, 'close').then(([code]) => code as number | null)
  return {
    process: child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    exited,
    shows: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const match = pattern.exec(text.stdout)
          if (match) resolve(match)
        }
        child.stdout.on('data', look)
        look()
        void exited.then((code) => reject(new Error(`ended with ${code}: ${text.stdout}${text.stderr}`)))
      }),
    stop: (signal = 'SIGTERM') => {
      child.kill(signal)
      return exited
    },
  }
}

export async function runCli(args: string[], options: RunOptions) {
  const running = startCli(args, options)
  const code = await running.exited
  return { code, stdout: running.stdout(), stderr: running.stderr() }
}
