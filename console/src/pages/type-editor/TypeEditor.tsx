import { Link, useNavigate } from '@tanstack/react-router'
import { type FormEvent, type KeyboardEvent, useEffect, useRef } from 'react'
import type { ThingType } from '../../data/use-type.ts'
import { Button } from '../../ui/Button.tsx'
import { Notice } from '../../ui/Notice.tsx'
import { LinkNotice } from '../commands/LinkNotice.tsx'
import { ChangedMeanwhile } from './ChangedMeanwhile.tsx'
import { Commands } from './Commands.tsx'
import { ErrorsContext } from './errors.ts'
import { LeaveGuard } from './LeaveGuard.tsx'
import styles from './TypeEditor.module.css'
import { TypeFields } from './TypeFields.tsx'
import { useTypeEditor } from './use-type-editor.ts'

export function TypeEditor({ before }: { before?: ThingType }) {
  const navigate = useNavigate()
  const isDone = useRef(false)
  const editor = useTypeEditor(before, (name) => {
    isDone.current = true
    void navigate({ to: '/types/$name', params: { name } })
  })
  const { draft, problem, theirs, errorsAt, change } = editor
  const form = useShownErrors(editor.attempts)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void editor.save()
  }
  const onKeyDown = ({ key, ctrlKey, metaKey }: KeyboardEvent) => {
    if (key === 'Enter' && (ctrlKey || metaKey)) void editor.save()
  }
  return (
    <ErrorsContext value={errorsAt}>
      <form
        ref={form}
        className={styles['page']}
        onSubmit={submit}
        onKeyDown={onKeyDown}
        noValidate
        aria-label="Thing type"
      >
        <Trail name={before?.name} />
        <LinkNotice />
        <h1>
          {before ? (
            <>
              Edit <span className="mono">{before.name}</span>
            </>
          ) : (
            'Define a thing type'
          )}
        </h1>
        <TypeFields draft={draft} isNew={!before} onChange={change} />
        <Commands
          commands={draft.commands}
          places={editor.places}
          attempts={editor.attempts}
          onChange={(commands) => change({ commands })}
        />
        {[...errorsAt(''), ...errorsAt('commands'), ...(problem ? [problem] : [])].map((message) => (
          <Notice key={message} kind="problem" title={message} />
        ))}
        {theirs !== undefined && (
          <ChangedMeanwhile
            theirs={theirs}
            isNew={!before}
            onKeepMine={editor.keepMine}
            onTakeTheirs={editor.takeTheirs}
          />
        )}
        <SaveBar editor={editor} isNew={!before} />
      </form>
      <LeaveGuard isNeeded={() => editor.isChanged && !isDone.current} />
    </ErrorsContext>
  )
}

const Trail = ({ name }: { name: string | undefined }) => (
  <nav aria-label="Where you are" className={styles['trail']}>
    <Link to="/types">Thing types</Link>
    <span className="muted"> / </span>
    {name ? (
      <>
        <Link to="/types/$name" params={{ name }} className="mono">
          {name}
        </Link>
        <span className="muted"> / </span>
        <span>Edit</span>
      </>
    ) : (
      <span>Define a type</span>
    )}
  </nav>
)

interface SaveBarProps {
  editor: ReturnType<typeof useTypeEditor>
  isNew: boolean
}

function SaveBar({ editor: { draft, isChanged, isSaving, places, theirs }, isNew }: SaveBarProps) {
  const count = new Set(places).size
  const told =
    count > 0
      ? `${count === 1 ? 'One thing is' : `${count} things are`} to be put right.`
      : isChanged
        ? 'Not saved yet.'
        : ''
  return (
    <footer className={styles['bar']}>
      <span role="status" className={count > 0 ? styles['wrong'] : 'muted'}>
        {told}
      </span>
      {isNew ? (
        <Link to="/types">Cancel</Link>
      ) : (
        <Link to="/types/$name" params={{ name: draft.name }}>
          Cancel
        </Link>
      )}
      <Button look="primary" type="submit" disabled={isSaving || theirs !== undefined || (!isNew && !isChanged)}>
        {isSaving ? 'Saving…' : isNew ? 'Define' : 'Save'}
      </Button>
    </footer>
  )
}

/** After a save that was refused, the first input that is to be put right has the focus. */
function useShownErrors(attempts: number) {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (attempts === 0) return
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid=true], [role=alert]')
    if (wrong?.matches('[aria-invalid]')) wrong.focus()
    else wrong?.scrollIntoView({ block: 'center' })
  }, [attempts])
  return form
}
