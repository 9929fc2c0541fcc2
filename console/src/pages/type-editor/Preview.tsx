/** The form that Send Command will make of it, to be tried: nothing is sent from here. */
import { useMemo, useState } from 'react'
import { check } from '../../send/check.ts'
import { Params } from '../../send/Params.tsx'
import { initialOf, isObject, type JsonObject } from '../../send/schema.ts'
import { findSchemaProblems, type SchemaDraft, schemaOf } from './draft.ts'
import styles from './SchemaEditor.module.css'

export function Preview({ draft }: { draft: SchemaDraft }) {
  const isReadable = useMemo(() => findSchemaProblems(draft, '').length === 0, [draft])
  const schema = isReadable ? schemaOf(draft) : undefined
  return (
    <fieldset className={styles['preview']} aria-label="Preview">
      <h3>What Send Command will ask for</h3>
      {!isReadable && <p className="muted">It is shown once the schema is right.</p>}
      {isReadable && <Tried key={JSON.stringify(schema)} schema={schema} />}
    </fieldset>
  )
}

function Tried({ schema }: { schema: JsonObject | undefined }) {
  const [value, setValue] = useState<JsonObject>(() => {
    const initial = schema && initialOf(schema, schema, true)
    return isObject(initial) ? initial : {}
  })
  const problems = schema ? check(schema, schema, value).filter(({ isMissing }) => !isMissing) : []
  return <Params schema={schema} value={value} problems={problems} onChange={setValue} onReadable={() => undefined} />
}
