/** What the registry says of things, remembered: a send needs no query of its own to be checked. */
import DataLoader from 'dataloader'
import { createBoundedMap } from '../base/bounded-map.ts'
import type { CommandDefinition } from '../db/schema.ts'
import type { RunStatement } from '../db/statement.ts'

/** A thing as a command is checked against it, in the version that was read. */
export interface RegisteredThing {
  id: string
  revision: string
  type: RegisteredType | null
}

export interface RegisteredType {
  name: string
  version: string
  revision: string
  commands: readonly CommandDefinition[]
}

export interface Registry {
  /** As it was when it was read last, which may be out of date. */
  recall(thingId: string): RegisteredThing | undefined
  /** As it is now; undefined where no such thing is registered. Those that are asked for together are read together. */
  read(thingId: string): Promise<RegisteredThing | undefined>
}

const MAX_THINGS = 50_000
const MAX_TYPES = 1_000

/**
 * Nobody has to be told when the registry changes. What is recalled may let a command pass, and then the statement that
 * stores it asks whether the versions are still the same (store-execution.ts); before a command is refused, the registry
 * is read.
 */
export function createRegistry(run: RunStatement): Registry {
  const things = createBoundedMap<string, RegisteredThing>(MAX_THINGS)
  const types = createBoundedMap<string, RegisteredType>(MAX_TYPES)
  const loader = new DataLoader<string, RegisteredThing | undefined>(load, {
    cache: false,
    batchScheduleFn: setImmediate,
  })
  return { recall: (id) => things.get(id), read: (id) => loader.load(id) }

  async function load(ids: readonly string[]): Promise<(RegisteredThing | undefined)[]> {
    const rows = await run<Row>(SELECT, [JSON.stringify([...new Set(ids)])])
    const found = new Map(rows.map((row) => [row.id, toThing(row)]))
    for (const id of ids) {
      const thing = found.get(id)
      if (thing) things.set(id, thing)
      else things.delete(id)
    }
    return ids.map((id) => found.get(id))
  }

  function toThing({ id, revision, type }: Row): RegisteredThing {
    return { id, revision, type: type && shareType(type) }
  }

  /** One object for all things of a type: it is much larger than they are, and validators are kept by its schemas. */
  function shareType(type: RegisteredType): RegisteredType {
    const known = types.get(type.name)
    if (known?.revision === type.revision) return known
    types.set(type.name, type)
    return type
  }
}

interface Row {
  id: string
  revision: string
  type: RegisteredType | null
}

const SELECT = `
select things.id, things.xmin::text as revision,
  case when thing_types.name is not null then json_build_object(
    'name', name, 'version', version, 'revision', thing_types.xmin::text, 'commands', commands) end as type
from things left join thing_types on thing_types.name = things.thing_type
where things.id in (select json_array_elements_text($1::text::json))`
