/** The form of a JSON Schema: one component for each kind of value. */
import { type ReactNode, useId, useState } from 'react'
import { Button } from '../ui/Button.tsx'
import { Errors, Field, type Wiring } from '../ui/Field.tsx'
import { Icon } from '../ui/Icon.tsx'
import styles from './SchemaFields.module.css'
import {
  choicesOf,
  describeRange,
  initialOf,
  isObject,
  type JsonObject,
  kindOf,
  propertiesOf,
  requiredOf,
  resolve,
} from './schema.ts'

export interface FormContext {
  root: JsonObject
  /** What is wrong at a path within params. */
  errorsAt(path: readonly string[]): string[]
}

interface ValueProps {
  form: FormContext
  schema: JsonObject
  path: string[]
  name: string
  isRequired: boolean
  value: unknown
  /** undefined: it is not there. */
  onChange(value: unknown): void
}

export function ValueField(props: Omit<ValueProps, 'schema'> & { schema: unknown }): ReactNode {
  const schema = resolve(props.schema, props.form.root)
  const resolved = { ...props, schema }
  switch (kindOf(schema, props.path.length)) {
    case 'object':
      return <ObjectField {...resolved} />
    case 'array':
      return <ArrayField {...resolved} />
    case 'choice':
      return <ChoiceField {...resolved} choices={choicesOf(schema) ?? []} />
    case 'boolean':
      return <ChoiceField {...resolved} choices={[true, false]} />
    case 'number':
    case 'integer':
      return <TextField {...resolved} read={readNumber} inputMode="decimal" />
    case 'string':
      return <TextField {...resolved} read={(text) => text} inputMode="text" />
    default:
      return <JsonField {...resolved} />
  }
}

function titleOf({ schema, name, isRequired, path, form }: ValueProps) {
  const { title, description } = schema
  const note = [isRequired ? 'required' : undefined, describeRange(schema)].filter(Boolean).join(', ')
  return {
    label: typeof title === 'string' ? title : name,
    note,
    hint: typeof description === 'string' ? description : undefined,
    errors: form.errorsAt(path),
  }
}

export function Members({ form, schema, path, value, isRequired, onChange }: Omit<ValueProps, 'name'>) {
  const members = isObject(value) ? value : {}
  const required = requiredOf(schema)
  const change = (name: string, member: unknown) => {
    const { [name]: _before, ...rest } = members
    const next = member === undefined ? rest : { ...rest, [name]: member }
    onChange(Object.keys(next).length > 0 || isRequired ? next : undefined)
  }
  return propertiesOf(schema).map(([name, member]) => (
    <ValueField
      key={name}
      form={form}
      schema={member}
      path={[...path, name]}
      name={name}
      isRequired={required.includes(name)}
      value={members[name]}
      onChange={(one) => change(name, one)}
    />
  ))
}

function Group({ props, children }: { props: ValueProps; children: ReactNode }) {
  const { label, note, hint, errors } = titleOf(props)
  return (
    <fieldset className={styles['group']}>
      <legend>
        {label} {note && <small>{note}</small>}
      </legend>
      {hint && <span className={styles['hint']}>{hint}</span>}
      {children}
      <Errors errors={errors} />
    </fieldset>
  )
}

const ObjectField = (props: ValueProps) => (
  <Group props={props}>
    <Members {...props} />
  </Group>
)

function ArrayField(props: ValueProps) {
  const { form, schema, path, value, isRequired, onChange } = props
  const items = Array.isArray(value) ? value : []
  const change = (next: unknown[]) => onChange(next.length > 0 || isRequired ? next : undefined)
  const add = () =>
    change([...items, initialOf(schema['items'], form.root, true, path.length + 1) ?? emptyOf(schema['items'], form)])
  return (
    <Group props={props}>
      {items.map((item, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: items have nothing else to be known by.
        <div key={n} className={styles['item']}>
          <ValueField
            form={form}
            schema={schema['items']}
            path={[...path, String(n)]}
            name={`${props.name} ${n + 1}`}
            isRequired
            value={item}
            onChange={(one) => change(items.with(n, one ?? emptyOf(schema['items'], form)))}
          />
          <Button
            look="quiet"
            aria-label={`Remove ${props.name} ${n + 1}`}
            onClick={() => change(items.toSpliced(n, 1))}
          >
            <Icon name="close" />
          </Button>
        </div>
      ))}
      <div>
        <Button onClick={add}>
          <Icon name="plus" /> Add to {props.name}
        </Button>
      </div>
    </Group>
  )
}

/** A list has no places without a value. */
function emptyOf(schema: unknown, { root }: FormContext): unknown {
  const kind = kindOf(resolve(schema, root), 0)
  return kind === 'object' ? {} : kind === 'array' ? [] : kind === 'string' ? '' : null
}

function ChoiceField({ choices, ...props }: ValueProps & { choices: unknown[] }) {
  const { value, isRequired, onChange } = props
  const chosen = choices.findIndex((choice) => JSON.stringify(choice) === JSON.stringify(value))
  return (
    <Field {...titleOf(props)}>
      {(wiring) => (
        <select {...wiring} value={chosen} onChange={({ target }) => onChange(choices[Number(target.value)])}>
          <option value={-1}>{isRequired ? 'Choose…' : '(not given)'}</option>
          {choices.map((choice, n) => (
            <option key={JSON.stringify(choice)} value={n}>
              {wordOf(choice)}
            </option>
          ))}
        </select>
      )}
    </Field>
  )
}

const wordOf = (choice: unknown): string =>
  choice === true
    ? 'yes (true)'
    : choice === false
      ? 'no (false)'
      : typeof choice === 'string'
        ? choice
        : JSON.stringify(choice)

interface TextFieldProps extends ValueProps {
  /** What a text stands for; a text that stands for nothing is the value itself, and is told to be wrong. */
  read(text: string): unknown
  inputMode: 'decimal' | 'text'
}

const readNumber = (text: string): unknown => {
  const number = Number(text.trim().replace(',', '.'))
  return text.trim() !== '' && Number.isFinite(number) ? number : text
}

function TextField({ read, inputMode, ...props }: TextFieldProps) {
  const { value, onChange } = props
  const [text, setText] = useState(() => textOf(value))
  // What is typed is shown as it is ("1." on the way to 1.5), unless the value was changed elsewhere.
  const shown = value === (text === '' ? undefined : read(text)) ? text : textOf(value)
  const change = (typed: string) => {
    setText(typed)
    onChange(typed === '' ? undefined : read(typed))
  }
  const input = (wiring: Wiring) => (
    <input
      {...wiring}
      inputMode={inputMode}
      value={shown}
      autoComplete="off"
      spellCheck={false}
      onChange={({ target }) => change(target.value)}
    />
  )
  return <Field {...titleOf(props)}>{input}</Field>
}

const textOf = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value)

/** What no form can show: written as JSON. */
function JsonField(props: ValueProps) {
  const { value, onChange } = props
  const id = useId()
  const [text, setText] = useState(() => (value === undefined ? '' : JSON.stringify(value, null, 2)))
  const [problem, setProblem] = useState<string>()
  const change = (typed: string) => {
    setText(typed)
    try {
      onChange(typed.trim() === '' ? undefined : JSON.parse(typed))
      setProblem(undefined)
    } catch {
      setProblem('This is not JSON yet.')
    }
  }
  const { errors, note, ...rest } = titleOf(props)
  return (
    <Field {...rest} note={note ? `JSON, ${note}` : 'JSON'} errors={problem ? [problem] : errors}>
      {(wiring) => (
        <textarea
          {...wiring}
          key={id}
          rows={Math.min(8, text.split('\n').length + 1)}
          className={`${wiring.className} mono`}
          spellCheck={false}
          value={text}
          onChange={({ target }) => change(target.value)}
        />
      )}
    </Field>
  )
}
