/**
 * Wires of scenarios. Each is a process of its own: callers who try again by the thousand keep this one busy, and a wire
 * in it would be slow when it is to carry, which the service would be blamed for.
 */
import { startChild } from '../../bench/processes/child.ts'
import type { Scope } from '../../bench/processes/scope.ts'
import { throughPort, type Wire } from './wire.ts'

const MODULE = new URL('./wire-process.ts', import.meta.url)

export async function startWire(scope: Scope, target: string): Promise<Wire> {
  const { ready: port, ask } = await startChild<number>(scope, MODULE, { target })
  return {
    port,
    urlOf: (url) => throughPort(url, port),
    cut: () => ask('cut'),
    silence: () => ask('silence'),
    slow: (latencyMs) => ask('slow', latencyMs),
    restore: () => ask('restore'),
  }
}
