/** Everything that can be measured, in the order of the tables. */
export const VARIANT_NAMES = [
  'service-http',
  'service-ws',
  'service-http-wait',
  'service-http-unique',
  'naive',
  'http-json',
  'http-jit',
  'yoga-hello',
  'mqtt-only',
  'postgres-batched',
  'commit-alone',
] as const

/** What can be asked for: the variants, and the costs of subscribers. */
export const MEASUREMENTS = [...VARIANT_NAMES, 'subscribers'] as const

export type Measurement = (typeof MEASUREMENTS)[number]
export type VariantName = (typeof VARIANT_NAMES)[number]
