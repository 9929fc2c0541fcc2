/** The variants that a run asks for. */
import { floorVariants } from './floors.ts'
import { naiveVariant } from './naive.ts'
import { serviceVariants } from './service.ts'
import type { Bench, Pair, Variant } from './variant.ts'

export function variantsOf(bench: Bench): Variant[] {
  const { only, pair } = bench.options
  const pairs: Pair[] = pair === 'both' ? ['services', 'embedded'] : [pair]
  // What has no service in it is measured once, with the pair that its parts are of.
  const others = pair === 'embedded' ? [] : [naiveVariant(bench), ...floorVariants(bench)]
  const all = [...pairs.flatMap((each) => serviceVariants(bench, each)), ...others]
  return all.filter(({ name }) => only.includes(name))
}
