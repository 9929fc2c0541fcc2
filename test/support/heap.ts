/** What is really held, and not what waits to be collected. */
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Megabytes in use on the heap after collecting; several times, because finalisers free more. */
export async function heapInUse(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    collect()
    await sleep(20)
  }
  return process.memoryUsage().heapUsed / 1024 / 1024
}
