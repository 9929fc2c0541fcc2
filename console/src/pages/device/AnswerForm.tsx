/** What the device shall say: that it did it, that it failed, that it will not, or nothing. */
import { type FormEvent, useState } from 'react'
import {
  type Answer,
  type AnswerStatus,
  CODE_PATTERN,
  MAX_REASON_LENGTH,
  type Request,
  suggestResult,
} from '../../device/protocol.ts'
import { Button } from '../../ui/Button.tsx'
import { Field } from '../../ui/Field.tsx'
import { STATUS_LOOKS } from '../../ui/Status.tsx'
import styles from './DevicePage.module.css'

const STATUSES: readonly AnswerStatus[] = ['SUCCEEDED', 'FAILED', 'REJECTED']
const FIRST_CODES: Record<AnswerStatus, string> = { SUCCEEDED: '', FAILED: 'OVERHEATED', REJECTED: 'BUSY' }

interface AnswerFormProps {
  request: Request
  onAnswer: (answer: Answer) => void
  onSilence: () => void
}

export function AnswerForm({ request, onAnswer, onSilence }: AnswerFormProps) {
  const [status, setStatus] = useState<AnswerStatus>('SUCCEEDED')
  const [result, setResult] = useState(() => JSON.stringify(suggestResult(request), null, 2))
  const [code, setCode] = useState('')
  const [message, setMessage] = useState('')
  const read = readResult(result)
  const codeProblem = code === '' || CODE_PATTERN.test(code) ? [] : ['Expected at most 64 characters of A-Z 0-9 _ -']
  const isGood = status === 'SUCCEEDED' ? !read.problem : codeProblem.length === 0 && (code !== '' || message === '')
  const choose = (chosen: AnswerStatus) => {
    setStatus(chosen)
    if (code === FIRST_CODES[status]) setCode(FIRST_CODES[chosen])
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!isGood) return
    if (status === 'SUCCEEDED') onAnswer({ status, ...(read.value !== undefined && { result: read.value }) })
    else onAnswer({ status, ...(code && { reason: { code, ...(message && { message }) } }) })
  }
  return (
    <form className={styles['form']} onSubmit={submit} noValidate>
      <fieldset className={styles['statuses']}>
        <legend className="unseen">Answer</legend>
        {STATUSES.map((one) => (
          <label key={one} className={styles['choice']}>
            <input
              type="radio"
              name={`answer-${request.executionId}`}
              checked={status === one}
              onChange={() => choose(one)}
            />{' '}
            {STATUS_LOOKS[one].word}
          </label>
        ))}
      </fieldset>
      {status === 'SUCCEEDED' ? (
        <Field label="Result" note="JSON, may be empty" errors={read.problem ? [read.problem] : []}>
          {(wiring) => (
            <textarea
              {...wiring}
              className={`${wiring.className} mono`}
              rows={Math.min(10, result.split('\n').length)}
              spellCheck={false}
              value={result}
              onChange={({ target }) => setResult(target.value)}
            />
          )}
        </Field>
      ) : (
        <div className={styles['reason']}>
          <Field label="Code" errors={code === '' && message !== '' ? ['A message needs a code.'] : codeProblem}>
            {(wiring) => (
              <input
                {...wiring}
                className={`${wiring.className} mono`}
                value={code}
                autoComplete="off"
                spellCheck={false}
                onChange={({ target }) => setCode(target.value.toUpperCase())}
              />
            )}
          </Field>
          <Field label="Message" note="optional">
            {(wiring) => (
              <input
                {...wiring}
                value={message}
                maxLength={MAX_REASON_LENGTH}
                autoComplete="off"
                onChange={({ target }) => setMessage(target.value)}
              />
            )}
          </Field>
        </div>
      )}
      <div className={styles['buttons']}>
        <Button look="primary" type="submit" disabled={!isGood}>
          Answer {status}
        </Button>
        <Button onClick={onSilence}>Say nothing</Button>
      </div>
    </form>
  )
}

function readResult(text: string): { value?: unknown; problem?: string } {
  if (text.trim() === '') return {}
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { problem: `This is not JSON yet: ${error instanceof Error ? error.message : error}` }
  }
}
