import { Link } from '@tanstack/react-router'
import type { TypeRow } from '../../data/use-types.ts'
import { moveAmongRows } from '../../ui/move-among-rows.ts'
import { Time } from '../../ui/Time.tsx'
import styles from './TypesPage.module.css'

const COLUMNS = ['Name', 'Version', 'Commands', 'Defined', 'Updated']

export function TypeTable({ rows }: { rows: readonly TypeRow[] }) {
  return (
    <div className={styles['frame']}>
      <table aria-label="Thing types, by name" className={styles['table']}>
        <thead>
          <tr>
            {COLUMNS.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody onKeyDown={moveAmongRows}>
          {rows.map((row) => (
            <Row key={row.name} row={row} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({ row: { name, version, description, commands, createdAt, updatedAt } }: { row: TypeRow }) {
  return (
    <tr data-type={name}>
      <td>
        <Link to="/types/$name" params={{ name }} className="mono" data-row>
          {name}
        </Link>
        {description && <span className={styles['description']}>{description}</span>}
      </td>
      <td className="mono">{version}</td>
      <td>
        {commands.length === 0 ? 'any' : commands.length}
        <span className={`${styles['names']} mono`}>{commands.map((command) => command.name).join(', ')}</span>
      </td>
      <td className={styles['time']}>
        <Time at={createdAt} />
      </td>
      <td className={styles['time']}>
        <Time at={updatedAt} />
      </td>
    </tr>
  )
}
