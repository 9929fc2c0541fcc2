/** Changes by the thousand, committed and told of as the service does, without a device. */
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Context } from '../../src/domain/context.ts'
import { settleExecutions } from '../../src/domain/settle.ts'
import { insertOpen, readExecutions } from './domain.ts'

const BATCH = 500
const TTL_MS = 600_000

/** Stores open executions and tells of them, as `sendCommand` does. */
export async function sendMany(ctx: Context, thingId: string, count: number): Promise<string[]> {
  const expiresIn = Array.from({ length: count }, () => TTL_MS)
  const ids = await insertOpen(ctx, thingId, expiresIn)
  ctx.live.publish(await readExecutions(ctx, ids))
  return ids
}

export function settleMany(ctx: Context, ids: readonly string[], result: string | null = null) {
  return settleExecutions(
    ctx,
    ids.map((executionId) => ({ executionId, status: 'SUCCEEDED', result })),
  )
}

/** Each is told of twice. */
export async function sendAndSettle(
  ctx: Context,
  thingId: string,
  count: number,
  result: string | null = null,
): Promise<void> {
  for (let left = count; left > 0; left -= BATCH) {
    await settleMany(ctx, await sendMany(ctx, thingId, Math.min(left, BATCH)), result)
  }
}

/** Reads until so many executions are known to be settled, now and then letting others go first. Fails where a status goes back. */
export async function readUntilSettled(
  next: () => Promise<{ id: string; status: string } | undefined>,
  count: number,
): Promise<{ updates: number }> {
  const settled = new Set<string>()
  for (let updates = 1; ; updates++) {
    const execution = await next()
    if (!execution) throw new Error('ended before')
    const { id, status } = execution
    expect(status === 'SENT' && settled.has(id)).toBe(false)
    if (status === 'SUCCEEDED') settled.add(id)
    if (settled.size === count) return { updates }
    if (updates % 20 === 0) await turn()
  }
}
