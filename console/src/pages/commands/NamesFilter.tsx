import { type KeyboardEvent, useId, useState } from 'react'
import { inputClass } from '../../ui/Field.tsx'
import { Icon } from '../../ui/Icon.tsx'
import styles from './Filters.module.css'

interface NamesFilterProps {
  label: string
  names: string[] | undefined
  /** To choose from while typing; any other name may be typed as well. */
  offered: readonly string[]
  onType?: (text: string) => void
  onChange: (names: string[] | undefined) => void
}

/** Several names, each taken with Enter or from what is offered. */
export function NamesFilter({ label, names = [], offered, onType, onChange }: NamesFilterProps) {
  const id = useId()
  const [text, setText] = useState('')
  const type = (value: string) => {
    setText(value)
    onType?.(value.trim())
  }
  const take = (name: string) => {
    type('')
    if (name !== '' && !names.includes(name)) onChange([...names, name])
  }
  const drop = (name: string) => {
    const left = names.filter((one) => one !== name)
    onChange(left.length > 0 ? left : undefined)
  }
  const onKeyDown = ({ key }: KeyboardEvent) => {
    const last = names.at(-1)
    if (key === 'Enter') take(text.trim())
    else if (key === 'Backspace' && text === '' && last) drop(last)
  }
  return (
    <div className={styles['names']}>
      {names.map((name) => (
        <button key={name} type="button" className={styles['name']} onClick={() => drop(name)} title={name}>
          <span className="unseen">Remove the filter by {label.toLowerCase()} </span>
          <span className={styles['nameText']}>{name}</span>
          <Icon name="close" size={10} />
        </button>
      ))}
      <input
        aria-label={label}
        placeholder={names.length > 0 ? `or ${label.toLowerCase()}` : label}
        className={`${inputClass} ${styles['text']}`}
        list={id}
        value={text}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        onChange={({ target, nativeEvent }) => {
          // Chosen from the list, and not typed: browsers tell no other way.
          const isChosen = !(nativeEvent instanceof InputEvent) || nativeEvent.inputType === 'insertReplacementText'
          if (isChosen && offered.includes(target.value)) take(target.value)
          else type(target.value)
        }}
        onKeyDown={onKeyDown}
        onBlur={() => take(text.trim())}
      />
      <datalist id={id}>
        {offered.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
    </div>
  )
}
