/** The form of a JSON Schema: one component for each kind of value, and those that hold others. */
import type { ReactNode } from 'react'
import { Button } from '../ui/Button.tsx'
import { Errors } from '../ui/Field.tsx'
import { Icon } from '../ui/Icon.tsx'
import { JsonField } from './JsonField.tsx'
import { ChoiceField, NumberField, StringField } from './PlainFields.tsx'
import styles from './SchemaFields.module.css'
import { choicesOf, initialOf, isObject, kindOf, propertiesOf, requiredOf, resolve } from './schema.ts'
import { type FormContext, titleOf, type ValueProps } from './schema-value.ts'

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
      return <NumberField {...resolved} />
    case 'string':
      return <StringField {...resolved} />
    default:
      return <JsonField {...resolved} />
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
