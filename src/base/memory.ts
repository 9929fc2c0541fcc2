import { setFlagsFromString } from 'node:v8'

/** By so much the old generation of V8's heap may grow over what is alive in it before it is cleaned up. */
const GROWTH_PERCENT = 40

/**
 * Makes V8 clean up before its heap is a multiple of what is alive. Under full load that is 190 MB for the process instead
 * of 320, for about a tenth of the throughput. Whoever sets V8's memory by NODE_OPTIONS is left with it: with memory to
 * spare, `--max-semi-space-size=64` is the fast way.
 */
export function keepMemorySmall(nodeOptions: string | undefined): void {
  if (!nodeOptions?.includes('space-size')) setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`)
}
