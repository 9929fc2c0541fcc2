import { Link, useParams } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useTitle } from '../../app/use-title.ts'
import { type Thing, useThing } from '../../data/use-thing.ts'
import { Button } from '../../ui/Button.tsx'
import { Copy } from '../../ui/Copy.tsx'
import { Notice } from '../../ui/Notice.tsx'
import { Presence } from '../../ui/Presence.tsx'
import { LinkNotice } from '../commands/LinkNotice.tsx'
import { Connect } from './Connect.tsx'
import { History } from './History.tsx'
import { ThingActions } from './ThingActions.tsx'
import { ThingFacts } from './ThingFacts.tsx'
import styles from './ThingPage.module.css'

export function ThingPage() {
  const { thingId } = useParams({ from: '/things/$thingId' })
  const [attempt, setAttempt] = useState(0)
  const { phase, thing, hasAnswered, problem, take } = useThing(thingId, attempt)
  useTitle(thingId)
  return (
    <article className={styles['page']}>
      <nav aria-label="Where you are" className={styles['trail']}>
        <Link to="/things">Things</Link>
        <span className="muted"> / </span>
        <span className="mono">{thingId}</span>
        <Copy text={thingId} name="Copy the thing ID" />
      </nav>
      <LinkNotice />
      {phase === 'loading' && <p role="status">Loading…</p>}
      {phase === 'failed' && (
        <Notice kind="problem" title="The thing could not be read.">
          <span>{problem}</span>
          <Button onClick={() => setAttempt(attempt + 1)}>Try again</Button>
        </Notice>
      )}
      {phase === 'missing' && <Missing thingId={thingId} />}
      {thing && <Details key={thing.id} thing={thing} hasAnswered={hasAnswered} onChanged={take} />}
    </article>
  )
}

const Missing = ({ thingId }: { thingId: string }) => (
  <Notice kind="empty" title="No thing is registered under this ID.">
    <p>It may have been deregistered, or be one that you may not see. What was sent to it stays.</p>
    <Link to="/commands" search={{ thing: [thingId] }}>
      What was sent to it
    </Link>
  </Notice>
)

interface DetailsProps {
  thing: Thing
  hasAnswered: boolean
  onChanged: (thing: Thing) => void
}

function Details({ thing, hasAnswered, onChanged }: DetailsProps) {
  const connect = <Connect thing={thing} isOpen={!hasAnswered} />
  return (
    <>
      <header className={styles['head']}>
        <h1>
          <span className="mono">{thing.id}</span>
        </h1>
        <span role="status">
          <Presence online={thing.online} />
        </span>
      </header>
      <ThingActions thing={thing} onChanged={onChanged} />
      {!hasAnswered && connect}
      <div className={styles['columns']}>
        <Section title="About it">
          <ThingFacts thing={thing} />
        </Section>
        <Section title="What was sent to it">
          <History thingId={thing.id} />
        </Section>
      </div>
      {hasAnswered && connect}
    </>
  )
}

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <section className={styles['section']}>
    <h2>{title}</h2>
    {children}
  </section>
)
