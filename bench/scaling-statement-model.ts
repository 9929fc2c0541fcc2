/** The two statements in a loop, simulated: while one batch is stored, the one before it is settled; one process asks for both. */
import { STATEMENTS, type StatementCosts } from './scaling-constants.ts'
import { createMachine } from './scaling-machine.ts'

const SECONDS = 2
const MICROSECONDS = 1_000_000

/** Commands a second, in batches of this size. */
export function predictTogether(batch: number, cores: number): number {
  const machine = createMachine(cores)
  const { asking, store, settle } = STATEMENTS
  const asks = machine.worker('asking', asking.turn, false)
  let settled = 0
  const statement = ({ cpu, cpuPerRow, waitMicros }: StatementCosts) => {
    const connection = machine.worker('postgres', 0, false)
    return (then: () => void) =>
      asks(asking.perStatement + asking.perRow * batch, () =>
        connection(cpu + cpuPerRow * batch, () => machine.after(waitMicros, then)),
      )
  }
  const statements = [statement(store), statement(settle)]
  const next = (): void => {
    let left = statements.length
    for (const one of statements)
      one(() => {
        left -= 1
        if (left > 0) return
        settled += batch
        next()
      })
  }
  next()
  machine.run(SECONDS * MICROSECONDS)
  return settled / SECONDS
}
