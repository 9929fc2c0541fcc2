import type { Delivery } from '../domain/execution.ts'
import { builder } from './builder.ts'

const DELIVERIES: Record<Delivery, { description: string }> = {
  AT_MOST_ONCE: {
    description: 'Published once, and never again: after a crash or a broken link it is answered, or it times out.',
  },
  AT_LEAST_ONCE: {
    description:
      'Published again 2, 6, 14, 30, 62 s after it was sent and then every 64 s, until it is settled or less than a second of its TTL is left. For things that know an `executionId` again (PROTOCOL.md asks it of all), or actions that do no harm when done twice.',
  },
}

export const DeliveryType = builder.enumType('Delivery', {
  description: 'How often the request of a command may be published.',
  values: DELIVERIES,
})
