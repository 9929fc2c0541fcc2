import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTitle } from '../../app/use-title.ts'
import { type Execution, useExecution } from '../../data/use-execution.ts'
import { Button } from '../../ui/Button.tsx'
import { Copy } from '../../ui/Copy.tsx'
import { Json } from '../../ui/Json.tsx'
import { Notice } from '../../ui/Notice.tsx'
import { Status } from '../../ui/Status.tsx'
import { LinkNotice } from '../commands/LinkNotice.tsx'
import { Actions } from './Actions.tsx'
import styles from './ExecutionPage.module.css'
import { Explanation } from './Explanation.tsx'
import { Facts } from './Facts.tsx'
import { Timeline } from './Timeline.tsx'

export function ExecutionPage() {
  const { executionId } = useParams({ from: '/executions/$executionId' })
  const [attempt, setAttempt] = useState(0)
  const { phase, execution, problem } = useExecution(executionId, attempt)
  useTitle(execution ? `${execution.action} on ${execution.thingId}` : 'Execution')
  return (
    <article className={styles['page']}>
      <nav aria-label="Where you are" className={styles['trail']}>
        <Link to="/commands">Commands</Link>
        <span className="muted"> / </span>
        <span className="mono">{executionId}</span>
        <Copy text={executionId} name="Copy the execution ID" />
      </nav>
      <LinkNotice />
      {phase === 'loading' && <p role="status">Loading…</p>}
      {phase === 'failed' && (
        <Notice kind="problem" title="The execution could not be read.">
          <span>{problem}</span>
          <Button onClick={() => setAttempt(attempt + 1)}>Try again</Button>
        </Notice>
      )}
      {phase === 'missing' && (
        <Notice kind="empty" title="There is no execution with this ID.">
          <p>It may have left with others of its age, or be of things that you may not see.</p>
          <Link to="/commands">To the commands</Link>
        </Notice>
      )}
      {execution && <Details execution={execution} />}
    </article>
  )
}

function Details({ execution }: { execution: Execution }) {
  const { action, thingId, status, params, result } = execution
  return (
    <>
      <header className={styles['head']}>
        <h1>
          <span className="mono">{action}</span> <span className="muted">on</span>{' '}
          <span className="mono">{thingId}</span>
        </h1>
        <span role="status">
          <Status status={status} />
        </span>
      </header>
      <Explanation execution={execution} />
      <Actions execution={execution} />
      <div className={styles['columns']}>
        <div className={styles['column']}>
          <Section title="What happened">
            <Timeline execution={execution} />
          </Section>
          <Section title="About it">
            <Facts execution={execution} />
          </Section>
        </div>
        <div className={styles['column']}>
          <Section title="Params">
            <Json value={params ?? {}} name="Params" />
          </Section>
          <Section title="Result">
            {result === null || result === undefined ? (
              <p className="muted">{status === 'SENT' ? 'No answer yet.' : 'None was given.'}</p>
            ) : (
              <Json value={result} name="Result" />
            )}
          </Section>
        </div>
      </div>
    </>
  )
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <section className={styles['section']}>
      <h2>{title}</h2>
      {children}
    </section>
  )
}
