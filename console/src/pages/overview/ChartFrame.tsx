/** Around each chart: what it is, and the same in a table, for whoever would rather read it. */
import { type ReactNode, useId, useState } from 'react'
import styles from './Chart.module.css'

interface ChartFrameProps {
  title: string
  note?: string | undefined
  columns: readonly string[]
  /** Made when the table is unfolded: the first cell of a row is its head. */
  rows: () => readonly { key: string; cells: readonly ReactNode[] }[]
  children: ReactNode
}

export function ChartFrame({ title, note, columns, rows, children }: ChartFrameProps) {
  const id = useId()
  const [isOpen, setIsOpen] = useState(false)
  return (
    <section className={styles['chart']} aria-labelledby={id}>
      <header className={styles['head']}>
        <h2 id={id}>{title}</h2>
        {note && <span className="muted">{note}</span>}
      </header>
      {children}
      <details className={styles['table']} onToggle={({ currentTarget }) => setIsOpen(currentTarget.open)}>
        <summary>As a table</summary>
        {isOpen && (
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard.
          <section className={styles['scroll']} aria-label={`${title}: table`} tabIndex={0}>
            <table>
              <thead>
                <tr>
                  {columns.map((column) => (
                    <th key={column} scope="col">
                      {column}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {rows().map(({ key, cells: [head, ...cells] }) => (
                  <tr key={key}>
                    <th scope="row">{head}</th>
                    {cells.map((cell, n) => (
                      <td key={columns[n + 1]}>{cell}</td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        )}
      </details>
    </section>
  )
}
