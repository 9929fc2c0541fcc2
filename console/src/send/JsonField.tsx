import { useId, useState } from 'react'
import { Field } from '../ui/Field.tsx'
import { titleOf, type ValueProps } from './schema-value.ts'

/** What no form can show: written as JSON. */
export function JsonField(props: ValueProps) {
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
