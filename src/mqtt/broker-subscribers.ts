/** Who is subscribed to requests and updates on the embedded broker now: what reason 16 tells of an MQTT 5 broker. */
import type { Client } from 'aedes'
import { parseRequestTopic, requestFilter, thingOfUpdatedFilter } from '../protocol/topics.ts'

export interface Subscribers {
  add(client: Client, filter: string): void
  remove(client: Client, filters: string[]): void
  removeAll(client: Client): void
  /** How many filters the client is subscribed to. */
  count(client: Client): number
  /** Whether a connected client is subscribed to this request topic. */
  has(topic: string): boolean
  /** Whether a connected client is subscribed to any updates. */
  hasFollowers(): boolean
}

export function createSubscribers(): Subscribers {
  const clientsOf = new Map<string, Set<Client>>()
  const filtersOf = new Map<Client, Set<string>>()
  const ofUpdates = new Set<string>()
  return { add, remove, removeAll, count, has, hasFollowers: () => ofUpdates.size > 0 }

  function add(client: Client, filter: string): void {
    if (client.closed) return
    memberSet(clientsOf, filter).add(client)
    memberSet(filtersOf, client).add(filter)
    if (thingOfUpdatedFilter(filter)) ofUpdates.add(filter)
  }

  function remove(client: Client, filters: string[]): void {
    for (const filter of filters) {
      dropMember(clientsOf, filter, client)
      dropMember(filtersOf, client, filter)
      if (!clientsOf.has(filter)) ofUpdates.delete(filter)
    }
  }

  function removeAll(client: Client): void {
    remove(client, [...(filtersOf.get(client) ?? [])])
  }

  function count(client: Client): number {
    return filtersOf.get(client)?.size ?? 0
  }

  function has(topic: string): boolean {
    const thing = parseRequestTopic(topic)
    return thing !== undefined && [requestFilter(thing.thingId), topic].some((filter) => clientsOf.has(filter))
  }
}

function memberSet<K, V>(sets: Map<K, Set<V>>, key: K): Set<V> {
  const members = sets.get(key) ?? new Set()
  sets.set(key, members)
  return members
}

function dropMember<K, V>(sets: Map<K, Set<V>>, key: K, member: V): void {
  const members = sets.get(key)
  members?.delete(member)
  if (members?.size === 0) sets.delete(key)
}
