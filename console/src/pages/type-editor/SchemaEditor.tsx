/** A schema: none, as fields, or as JSON. The last two are kept in step. */
import { useState } from 'react'
import { Button } from '../../ui/Button.tsx'
import { Errors, Field } from '../../ui/Field.tsx'
import { findSchemaProblems, type SchemaDraft, type SchemaView, turnSchema } from './draft.ts'
import { ErrorsContext, useErrors } from './errors.ts'
import { FieldRows } from './FieldRows.tsx'
import { readMembers } from './fields.ts'
import { readJson } from './json-text.ts'
import styles from './SchemaEditor.module.css'

interface SchemaEditorProps {
  title: 'Params' | 'Result'
  at: string
  draft: SchemaDraft
  /** Said where there is no schema. */
  nothing: string
  onChange(draft: SchemaDraft): void
}

const VIEWS: readonly { view: SchemaView; label: string }[] = [
  { view: 'none', label: 'Any' },
  { view: 'fields', label: 'Fields' },
  { view: 'json', label: 'JSON Schema' },
]

export function SchemaEditor({ title, at, draft, nothing, onChange }: SchemaEditorProps) {
  const errorsAt = useErrors()
  const [isHeldUp, setIsHeldUp] = useState(false)
  const problems = findSchemaProblems(draft, at)
  const turn = (view: SchemaView) => {
    // What cannot be read would be lost on the way: it is told instead.
    const isStuck = view !== draft.view && problems.length > 0
    setIsHeldUp(isStuck)
    if (!isStuck) onChange(turnSchema(draft, view))
  }
  const toldAt = (place: string) =>
    isHeldUp
      ? [...new Set([...errorsAt(place), ...problems.filter((one) => one.at === place).map(({ message }) => message)])]
      : errorsAt(place)
  return (
    <ErrorsContext value={toldAt}>
      <fieldset className={styles['schema']} aria-label={`Schema of ${title.toLowerCase()}`}>
        <header className={styles['head']}>
          <h3>{title}</h3>
          <div className={styles['views']}>
            {VIEWS.map(({ view, label }) => (
              <Button
                key={view}
                look="quiet"
                aria-pressed={draft.view === view}
                disabled={view === 'fields' && !hasFields(draft)}
                onClick={() => turn(view)}
              >
                {label}
              </Button>
            ))}
          </div>
        </header>
        {isHeldUp && problems.length > 0 && <p role="status">Put this right first, or it would be lost.</p>}
        {draft.view === 'none' && <p className="muted">{nothing}</p>}
        {draft.view === 'fields' && draft.members && (
          <FieldRows
            word={title === 'Params' ? 'param' : 'field'}
            members={draft.members}
            onChange={(members) => onChange({ ...draft, members })}
          />
        )}
        {draft.view === 'json' && <JsonSchema title={title} at={at} draft={draft} onChange={onChange} />}
        {draft.view !== 'json' && <Errors errors={toldAt(at)} />}
      </fieldset>
    </ErrorsContext>
  )
}

/** Whether fields can show what is there now; while it cannot be read, that is told when one asks for them. */
function hasFields({ view, members, json }: SchemaDraft): boolean {
  if (view !== 'json') return members !== undefined
  const { value, fault } = readJson(json)
  return fault !== undefined || readMembers(value) !== undefined
}

function JsonSchema({ title, at, draft, onChange }: Omit<SchemaEditorProps, 'nothing'>) {
  const errors = useErrors()(at)
  return (
    <Field
      label={<span className="unseen">{title} as JSON Schema</span>}
      hint={
        hasFields(draft)
          ? 'JSON Schema 2020-12.'
          : 'JSON Schema 2020-12. It says what fields cannot show, so JSON is the way to edit it.'
      }
      errors={errors}
    >
      {(wiring) => (
        <textarea
          {...wiring}
          rows={Math.min(28, Math.max(6, draft.json.split('\n').length))}
          className={`${wiring.className} mono`}
          spellCheck={false}
          autoCapitalize="none"
          value={draft.json}
          onChange={({ target }) => onChange({ ...draft, json: target.value })}
        />
      )}
    </Field>
  )
}
