/** The variants that a run asks for. */
import { floorVariants } from './floors.ts'
import { serviceVariants } from './service.ts'
import type { Bench, Pair, Variant } from './variant.ts'

export function variantsOf(bench: Bench): Variant[] {
  const { only, pair } = bench.options
  const pairs: Pair[] = pair === 'both' ? ['services', 'embedded'] : [pair]
  const floors = pair === 'embedded' ? [] : floorVariants(bench)
  const all = [...pairs.flatMap((each) => serviceVariants(bench, each)), ...floors]
  return all.filter(({ name }) => only.includes(name))
}
