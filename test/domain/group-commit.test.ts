import { describe, expect, it } from 'vitest'
import { createGroupCommit } from '../../src/domain/group-commit.ts'

const refusal = () => Object.assign(new Error('bad value'), { code: '22P02' })
const outage = () => Object.assign(new Error('shutting down'), { code: '57P01' })

/** A commit that takes until it is let go, and that fails for negative items. */
function createSlowCommit(maxBatch: number, failWith: () => Error = refusal) {
  const batches: number[][] = []
  const gates: (() => void)[] = []
  const commit = createGroupCommit<number, string>(
    { items: maxBatch, size: { max: 1000, of: Math.abs } },
    async (items) => {
      batches.push([...items])
      await new Promise<void>((resolve) => gates.push(resolve))
      if (items.some((item) => item < 0)) throw failWith()
      return items.map((item) => `done ${item}`)
    },
  )
  /** Lets batches go as they come, until all is done. */
  async function finish<T>(work: Promise<T>): Promise<T> {
    let isDone = false
    const ended = work.finally(() => {
      isDone = true
    })
    ended.catch(() => {})
    while (!isDone) {
      gates.shift()?.()
      await new Promise(setImmediate)
    }
    return ended
  }
  return { batches, commit, finish }
}

describe('group commit', () => {
  it('takes together what comes together, and what waits meanwhile into the next, in order', async () => {
    const { batches, commit, finish } = createSlowCommit(100)
    const first = [commit(1), commit(2)]
    await expect.poll(() => batches).toEqual([[1, 2]])
    const later = [commit(3), commit(4), commit(5)]
    expect(await finish(Promise.all([...first, ...later]))).toEqual([1, 2, 3, 4, 5].map((item) => `done ${item}`))
    expect(batches).toEqual([
      [1, 2],
      [3, 4, 5],
    ])
  })

  it('makes no batch larger than it may be', async () => {
    const { batches, commit, finish } = createSlowCommit(3)
    await finish(Promise.all([1, 2, 3, 4, 5, 6, 7].map(commit)))
    expect(batches).toEqual([[1, 2, 3], [4, 5, 6], [7]])
  })

  it('makes no batch that goes on after it is large', async () => {
    const { batches, commit, finish } = createSlowCommit(100)
    await finish(Promise.all([400, 700, 1, 5000, 2].map(commit)))
    expect(batches).toEqual([[400, 700], [1, 5000], [2]])
  })

  it('spoils no batch for one refused value', async () => {
    const { commit, finish } = createSlowCommit(100)
    const outcomes = await finish(Promise.allSettled([1, -2, 3].map(commit)))
    expect(outcomes).toMatchObject([{ value: 'done 1' }, { reason: { code: '22P02' } }, { value: 'done 3' }])
  })

  it('tells everybody of an outage, tries nothing again, and works afterwards', async () => {
    const { batches, commit, finish } = createSlowCommit(100, outage)
    const outcomes = await finish(Promise.allSettled([1, -2, 3].map(commit)))
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    expect(batches).toHaveLength(1)
    expect(await finish(commit(4))).toBe('done 4')
  })
})
