/** Fields of one value: chosen, or typed. */
import { useState } from 'react'
import { Field, type Wiring } from '../ui/Field.tsx'
import { titleOf, type ValueProps } from './schema-value.ts'

export function ChoiceField({ choices, ...props }: ValueProps & { choices: unknown[] }) {
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

export const NumberField = (props: ValueProps) => <TextField {...props} read={readNumber} inputMode="decimal" />
export const StringField = (props: ValueProps) => <TextField {...props} read={(text) => text} inputMode="text" />
