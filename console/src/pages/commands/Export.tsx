/** Everything that the filter finds, not just this page. */

import { useRef, useState } from 'react'
import { serverNow } from '../../data/clock.ts'
import { filterOf, type ListSearch } from '../../data/execution-filter.ts'
import { download, exportExecutions, type Format } from '../../data/export.ts'
import { useService } from '../../data/service.ts'
import { Button } from '../../ui/Button.tsx'
import styles from './Export.module.css'

export function Export({ search }: { search: ListSearch }) {
  const service = useService()
  const [count, setCount] = useState<number>()
  const [problem, setProblem] = useState<string>()
  const stopping = useRef<AbortController>(undefined)

  const begin = async (format: Format) => {
    const abort = new AbortController()
    stopping.current = abort
    setProblem(undefined)
    setCount(0)
    try {
      const { status } = search
      const filter = { ...filterOf(search, serverNow()), ...(status && { status }) }
      const file = await exportExecutions(service, { filter, format, onProgress: setCount, signal: abort.signal })
      if (file) download(file, `executions-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}.${format}`)
    } catch (error) {
      setProblem(`The export ended: ${error instanceof Error ? error.message : error}`)
    }
    setCount(undefined)
  }

  if (count !== undefined)
    return (
      <div className={styles['export']}>
        <span role="status">{count.toLocaleString()} exported…</span>
        <Button onClick={() => stopping.current?.abort()}>Stop</Button>
      </div>
    )
  return (
    <div className={styles['export']}>
      {problem && <span role="alert">{problem}</span>}
      <span className="muted" id="export">
        Export
      </span>
      <Button onClick={() => begin('csv')} aria-describedby="export">
        CSV
      </Button>
      <Button onClick={() => begin('json')} aria-describedby="export">
        JSON
      </Button>
    </div>
  )
}
