/** SUBSCRIBE and UNSUBSCRIBE for several topics in one packet each. */
import type { MqttClient } from 'mqtt'

/** MQTT 3.1.1, 3.9.3: a return code from here on is a refusal. */
const FIRST_REFUSAL = 128

/** Resolves with those that the broker refused, or when the connection is gone. QoS 0. */
export function subscribeTo(client: MqttClient, filters: string[], { isShared = false } = {}): Promise<string[]> {
  if (filters.length === 0) return Promise.resolve([])
  // nl: not what we publish ourselves, which a shared subscription may not say; rh 2: nothing retained (MQTT 5, 3.8.3.1).
  const nl = !isShared
  const options = client.options.protocolVersion === 5 ? ({ qos: 0, nl, rh: 2 } as const) : ({ qos: 0 } as const)
  return new Promise((resolve) => {
    client.subscribe(filters, options, (_error, _subscriptions, suback) => {
      const codes = suback?.granted ?? []
      resolve(filters.filter((_, index) => Number(codes[index]) >= FIRST_REFUSAL))
    })
  })
}

/** Resolves when the broker has answered, or when the connection is gone. */
export function unsubscribeFrom(client: MqttClient, filters: string[]): Promise<void> {
  if (filters.length === 0) return Promise.resolve()
  return new Promise((resolve) => {
    client.unsubscribe(filters, () => resolve())
  })
}
