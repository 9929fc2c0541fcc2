import { type KeyboardEvent, useState } from 'react'
import { Field } from '../../ui/Field.tsx'
import { Icon } from '../../ui/Icon.tsx'
import styles from './TagsField.module.css'

interface TagsFieldProps {
  tags: readonly string[]
  errors: readonly string[]
  onChange: (tags: string[]) => void
}

/** Several words, each taken with Enter, or when the field is left. */
export function TagsField({ tags, errors, onChange }: TagsFieldProps) {
  const [text, setText] = useState('')
  const take = () => {
    const tag = text.trim()
    setText('')
    if (tag !== '' && !tags.includes(tag)) onChange([...tags, tag])
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && text.trim() !== '') {
      event.preventDefault()
      take()
    } else if (event.key === 'Backspace' && text === '' && tags.length > 0) onChange(tags.slice(0, -1))
  }
  return (
    <Field label="Tags" hint="Words to find it by. Enter adds one." errors={errors}>
      {(wiring) => (
        <div className={styles['tags']}>
          {tags.map((tag) => (
            <button
              key={tag}
              type="button"
              className={styles['tag']}
              onClick={() => onChange(tags.filter((one) => one !== tag))}
            >
              <span className="unseen">Remove the tag </span>
              <span className={styles['text']}>{tag}</span>
              <Icon name="close" size={10} />
            </button>
          ))}
          <input
            {...wiring}
            className={`${wiring.className} ${styles['input']}`}
            value={text}
            maxLength={64}
            autoComplete="off"
            onChange={({ target }) => setText(target.value)}
            onKeyDown={onKeyDown}
            onBlur={take}
          />
        </div>
      )}
    </Field>
  )
}
