import { Link, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { useTitle } from '../../app/use-title.ts'
import { mayDefineType, useCaller } from '../../data/caller.ts'
import { type ThingType, useType } from '../../data/use-type.ts'
import { Button, buttonClass } from '../../ui/Button.tsx'
import { Copy } from '../../ui/Copy.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { Notice } from '../../ui/Notice.tsx'
import { Time } from '../../ui/Time.tsx'
import { LinkNotice } from '../commands/LinkNotice.tsx'
import { Command } from './Command.tsx'
import styles from './TypePage.module.css'

const DeleteDialog = lazy(async () => ({ default: (await import('./DeleteDialog.tsx')).DeleteDialog }))

export function TypePage() {
  const { name } = useParams({ from: '/types/$name' })
  const { type, problem, retry } = useType(name)
  useTitle(name)
  return (
    <article className={styles['page']}>
      <nav aria-label="Where you are" className={styles['trail']}>
        <Link to="/types">Thing types</Link>
        <span className="muted"> / </span>
        <span className="mono">{name}</span>
        <Copy text={name} name="Copy the name" />
      </nav>
      <LinkNotice />
      {problem && (
        <Notice kind="problem" title="The type could not be read.">
          <span>{problem}</span>
          <Button onClick={retry}>Try again</Button>
        </Notice>
      )}
      {type === undefined && !problem && <p role="status">Loading…</p>}
      {type === null && <MissingType name={name} />}
      {type && <Details type={type} />}
    </article>
  )
}

function MissingType({ name }: { name: string }) {
  const mayBeDefined = mayDefineType(useCaller(), name)
  return (
    <Notice kind="empty" title="There is no thing type of this name.">
      <p>It may have been deleted, or be one that you may not see.</p>
      <Link to="/types">To the thing types</Link>
      {mayBeDefined && <Link to="/define-type">Define a type</Link>}
    </Notice>
  )
}

function Details({ type }: { type: ThingType }) {
  const { name, version, description, commands, createdAt, updatedAt } = type
  return (
    <>
      <header className={styles['head']}>
        <h1>
          <span className="mono">{name}</span>
        </h1>
        <Manage name={name} />
      </header>
      {description && <p className={styles['description']}>{description}</p>}
      <p className="muted">
        Version <span className="mono">{version}</span> · defined <Time at={createdAt} /> · updated{' '}
        <Time at={updatedAt} /> ·{' '}
        <Link to="/things" search={{ type: [name] }}>
          Its things
        </Link>
      </p>
      {commands.length === 0 ? (
        <Notice kind="empty" title="It defines no commands.">
          <p>Its things take any action, with any params.</p>
        </Notice>
      ) : (
        <>
          <h2>{commands.length === 1 ? 'One command' : `${commands.length} commands`}</h2>
          {commands.map((command) => (
            <Command key={command.name} command={command} />
          ))}
        </>
      )}
    </>
  )
}

/** What a role may not do is not offered. */
function Manage({ name }: { name: string }) {
  const isOffered = mayDefineType(useCaller(), name)
  const [isDeleting, setIsDeleting] = useState(false)
  if (!isOffered) return null
  return (
    <div className={styles['manage']}>
      <Link to="/types/$name/edit" params={{ name }} className={buttonClass()}>
        Edit
      </Link>
      <Button look="danger" aria-haspopup="dialog" onClick={() => setIsDeleting(true)}>
        <Icon name="close" /> Delete
      </Button>
      {isDeleting && (
        <Suspense>
          <DeleteDialog name={name} onClose={() => setIsDeleting(false)} />
        </Suspense>
      )}
    </div>
  )
}
