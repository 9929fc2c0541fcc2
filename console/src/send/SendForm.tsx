import type { FormEvent, KeyboardEvent } from 'react'
import { Button } from '../ui/Button.tsx'
import { DialogBody, DialogFoot } from '../ui/Dialog.tsx'
import { Field } from '../ui/Field.tsx'
import { Icon } from '../ui/Icon.tsx'
import { Notice } from '../ui/Notice.tsx'
import { ActionField } from './ActionField.tsx'
import { Params } from './Params.tsx'
import styles from './SendDialog.module.css'
import type { Sent } from './SendDialog.tsx'
import type { Draft } from './SendProvider.tsx'
import { ThingField } from './ThingField.tsx'
import { useSendForm } from './use-send-form.ts'

interface SendFormProps {
  draft: Draft
  onSent: (sent: Sent, draft: Draft) => void
  onClose: () => void
}

export function SendForm({ draft, onSent, onClose }: SendFormProps) {
  const state = useSendForm(draft, onSent)
  const { form, thing, definitions, definition, problems, problem, others, isSending, change } = state
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void state.send()
  }
  const onKeyDown = ({ key, ctrlKey, metaKey }: KeyboardEvent) => {
    if (key === 'Enter' && (ctrlKey || metaKey)) void state.send()
  }
  return (
    <form onSubmit={submit} onKeyDown={onKeyDown} noValidate>
      <DialogBody>
        {problem && <Notice kind="problem" title={problem} />}
        {others.map((message) => (
          <Notice key={message} kind="problem" title={message} />
        ))}
        <ThingField
          thingId={form.thingId}
          thing={thing}
          errors={state.errorsOf('thingId')}
          onChange={(thingId) => change({ thingId })}
        />
        <ActionField
          action={form.action}
          definitions={definitions}
          errors={state.errorsOf('action')}
          onChange={state.chooseAction}
        />
        <Params
          key={definition?.name ?? ''}
          schema={definition?.paramsSchema ?? undefined}
          value={form.params}
          problems={problems}
          onChange={(params) => change({ params })}
          onReadable={state.setIsReadable}
        />
        <TtlField
          ttl={form.ttl}
          defaultTtl={state.defaultTtl}
          errors={state.ttlErrors}
          onChange={(ttl) => change({ ttl })}
        />
      </DialogBody>
      <DialogFoot
        hint={
          <>
            <kbd>Ctrl</kbd> <kbd>Enter</kbd> sends
          </>
        }
      >
        <Button onClick={onClose}>Close</Button>
        <Button look="primary" type="submit" disabled={isSending}>
          <Icon name="send" /> {isSending ? 'Sending…' : 'Send'}
        </Button>
      </DialogFoot>
    </form>
  )
}

interface TtlFieldProps {
  ttl: string
  defaultTtl: number
  errors: readonly string[]
  onChange(ttl: string): void
}

const TtlField = ({ ttl, defaultTtl, errors, onChange }: TtlFieldProps) => (
  <div className={styles['ttl']}>
    <Field
      label="TTL"
      note="seconds"
      hint={`In which it must answer, 1 to 86,400. Empty: ${defaultTtl}.`}
      errors={errors}
    >
      {(wiring) => (
        <input
          {...wiring}
          inputMode="numeric"
          placeholder={String(defaultTtl)}
          value={ttl}
          autoComplete="off"
          onChange={({ target }) => onChange(target.value)}
        />
      )}
    </Field>
  </div>
)
