/** Params: a form where the command has a schema, and JSON, which is the same. */
import { useMemo, useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { Errors, Field } from '../ui/Field.tsx'
import type { Problem } from './check.ts'
import styles from './Params.module.css'
import { Members } from './SchemaFields.tsx'
import { isObject, type JsonObject, kindOf, propertiesOf, resolve } from './schema.ts'

interface ParamsProps {
  schema: JsonObject | undefined
  value: JsonObject
  problems: readonly Problem[]
  onChange(value: JsonObject): void
  /** Whether what is written as JSON can be read. */
  onReadable(isReadable: boolean): void
}

export function Params({ schema, value, problems, onChange, onReadable }: ParamsProps) {
  const root = useMemo(() => schema && resolve(schema, schema), [schema])
  const hasForm = root !== undefined && kindOf(root, 0) === 'object'
  const [isJson, setIsJson] = useState(false)
  const [isReadable, setIsReadable] = useState(true)
  const tell = (readable: boolean) => {
    setIsReadable(readable)
    onReadable(readable)
  }
  const errorsAt = (path: readonly string[]) =>
    problems.filter((problem) => problem.path.join('\0') === path.join('\0')).map(({ message }) => message)
  const showsForm = hasForm && !isJson
  return (
    <fieldset className={styles['params']}>
      <legend className={styles['legend']}>
        <span>Params</span>
      </legend>
      {hasForm && (
        <div className={styles['views']}>
          <Button look="quiet" aria-pressed={!isJson} disabled={!isReadable} onClick={() => setIsJson(false)}>
            Form
          </Button>
          <Button look="quiet" aria-pressed={isJson} onClick={() => setIsJson(true)}>
            JSON
          </Button>
        </div>
      )}
      {showsForm ? (
        <>
          {propertiesOf(root).length === 0 && <p className="muted">It takes none.</p>}
          <Members
            form={{ root: schema ?? root, errorsAt }}
            schema={root}
            path={[]}
            value={value}
            isRequired
            onChange={(next) => onChange(isObject(next) ? next : {})}
          />
          <Errors errors={errorsAt([])} />
          <Unshown problems={problems} value={value} names={propertiesOf(root).map(([name]) => name)} />
        </>
      ) : (
        <JsonView value={value} problems={problems} onChange={onChange} onReadable={tell} />
      )}
    </fieldset>
  )
}

interface UnshownProps {
  problems: readonly Problem[]
  value: JsonObject
  names: readonly string[]
}

/** Members that the schema does not name are in the JSON only; they are sent all the same. */
function Unshown({ problems, value, names }: UnshownProps) {
  const others = Object.keys(value).filter((name) => !names.includes(name))
  const errors = problems.filter(({ path: [name] }) => name !== undefined && !names.includes(name))
  return (
    <>
      {others.length > 0 && <p className="muted">Also, in the JSON: {others.join(', ')}</p>}
      <Errors errors={errors.map(({ path, message }) => `${path.join('.')}: ${message}`)} />
    </>
  )
}

interface JsonViewProps extends Omit<ParamsProps, 'schema'> {}

function JsonView({ value, problems, onChange, onReadable }: JsonViewProps) {
  const [text, setText] = useState(() => JSON.stringify(value, null, 2))
  const [unreadable, setUnreadable] = useState<string>()
  const change = (typed: string) => {
    setText(typed)
    const { found, problem } = read(typed)
    setUnreadable(problem)
    onReadable(problem === undefined)
    if (found) onChange(found)
  }
  const told = problems.map(({ path, message }) => (path.length > 0 ? `${path.join('.')}: ${message}` : message))
  return (
    <Field label="JSON" errors={unreadable ? [unreadable] : told}>
      {(wiring) => (
        <textarea
          {...wiring}
          rows={Math.min(14, Math.max(3, text.split('\n').length))}
          className={`${wiring.className} mono`}
          spellCheck={false}
          autoCapitalize="none"
          value={text}
          onChange={({ target }) => change(target.value)}
        />
      )}
    </Field>
  )
}

function read(text: string): { found?: JsonObject; problem?: string } {
  try {
    const found: unknown = text.trim() === '' ? {} : JSON.parse(text)
    return isObject(found) ? { found } : { problem: 'Expected a JSON object: { … }' }
  } catch (error) {
    return { problem: `This is not JSON yet: ${error instanceof Error ? error.message : error}` }
  }
}
