import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import { type ThingSearch, thingFilterOf } from '../../data/thing-filter.ts'
import type { ThingRow } from '../../data/use-things.ts'
import { moveAmongRows } from '../../ui/move-among-rows.ts'
import { Presence } from '../../ui/Presence.tsx'
import { Time } from '../../ui/Time.tsx'
import styles from './ThingTable.module.css'

const COLUMNS = ['Thing ID', 'Type', 'Tags', 'Online', 'Last seen', 'Registered']

interface ThingTableProps {
  things: readonly ThingRow[]
  /** What is filtered by: a thing that left it meanwhile is still there, and dimmed. */
  search: ThingSearch
}

/** A table also where it is laid out as cards: the roles are said, because browsers forget them with the layout. */
export function ThingTable({ things, search }: ThingTableProps) {
  return (
    <div className={styles['frame']}>
      <table role="table" aria-label="Things, by ID" className={styles['table']}>
        <thead role="rowgroup">
          <tr role="row">
            {COLUMNS.map((name) => (
              <th key={name} role="columnheader" scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" onKeyDown={moveAmongRows}>
          {things.map((thing) => (
            <Row key={thing.id} thing={thing} isDimmed={!matches(thing, search)} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** What may change of a thing while it is shown. */
function matches({ online, type, tags }: ThingRow, search: ThingSearch): boolean {
  const filter = thingFilterOf(search)
  return (
    (filter.online === undefined || online === filter.online) &&
    (!search.type || (type !== null && search.type.includes(type.name))) &&
    (!search.tag || search.tag.some((tag) => tags.includes(tag)))
  )
}

const Row = memo(function Row({ thing, isDimmed }: { thing: ThingRow; isDimmed: boolean }) {
  const { id, type, tags, online, lastSeenAt, createdAt } = thing
  return (
    <tr role="row" className={isDimmed ? styles['dimmed'] : undefined} data-thing={id}>
      <td role="cell" className={styles['id']}>
        <Link to="/things/$thingId" params={{ thingId: id }} title={id} data-row>
          {id}
        </Link>
      </td>
      <td role="cell" className={styles['type']} title={type ? `${type.name} ${type.version}` : undefined}>
        {type?.name ?? <span className="muted">no type</span>}
      </td>
      <td role="cell" className={styles['tags']} title={tags.join(', ') || undefined}>
        {tags.join(', ')}
      </td>
      <td role="cell" className={styles['online']}>
        <Presence online={online} unknown="unknown" />
      </td>
      <td role="cell" className={styles['seen']}>
        <span className={styles['label']}>Last seen </span>
        {lastSeenAt ? <Time at={lastSeenAt} /> : <span className="muted">never</span>}
      </td>
      <td role="cell" className={styles['registered']}>
        <Time at={createdAt} />
      </td>
    </tr>
  )
})
