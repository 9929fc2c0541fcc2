/** A wire in a process of its own; `wires.ts` is its other end. */
import { readSettings, serveParent } from '../../bench/processes/parent.ts'
import { createScope } from '../../bench/processes/scope.ts'
import { startLocalWire } from './wire.ts'

const { target } = readSettings<{ target: string }>()

await serveParent(async () => {
  const { port, cut, silence, slow, restore } = await startLocalWire(createScope(), target)
  return { ready: port, served: { cut, silence, slow, restore } }
})
