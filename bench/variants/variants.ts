/** The variants that a run asks for. */
import { serviceVariants } from './service.ts'
import type { Bench, Pair, Variant } from './variant.ts'

export function variantsOf(bench: Bench): Variant[] {
  const { only, pair } = bench.options
  const pairs: Pair[] = pair === 'both' ? ['services', 'embedded'] : [pair]
  const all = pairs.flatMap((each) => serviceVariants(bench, each))
  return all.filter(({ name }) => only.includes(name))
}
