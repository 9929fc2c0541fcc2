import { type FormEvent, type ReactNode, useRef, useState } from 'react'
import { useQuery } from 'urql'
import { matchesAny, useCaller } from '../../data/caller.ts'
import { TypeNamesDocument } from '../../generated/graphql.ts'
import { Combo } from '../../send/Combo.tsx'
import { Button } from '../../ui/Button.tsx'
import { DialogBody, DialogFoot } from '../../ui/Dialog.tsx'
import { Field } from '../../ui/Field.tsx'
import { Notice } from '../../ui/Notice.tsx'
import { TagsField } from './TagsField.tsx'
import { findIdProblems, ID_RULE, otherRefusals, type Refusal, refusalsAt, type ThingDraft } from './thing-form.ts'

/** What came of it; nothing: it is done. */
export interface Refused {
  problem?: string
  refusals?: readonly Refusal[]
}

interface ThingFormProps {
  initial: ThingDraft
  isNew: boolean
  submitWord: string
  submit: (draft: ThingDraft) => Promise<Refused>
  onClose: () => void
  /** Below the fields. */
  children?: ReactNode
}

export function ThingForm({ initial, isNew, submitWord, submit, onClose, children }: ThingFormProps) {
  const [draft, setDraft] = useState(initial)
  const [{ problem, refusals = [] }, setRefused] = useState<Refused>({})
  const [isAttempted, setIsAttempted] = useState(false)
  const [isUnderWay, setIsUnderWay] = useState(false)
  const hasBegun = useRef(false)
  const idProblems = findIdProblems(draft.id, isAttempted)

  const change = (changed: Partial<ThingDraft>) => {
    setDraft((before) => ({ ...before, ...changed }))
    setRefused({})
  }
  const onSubmit = async (event: FormEvent) => {
    event.preventDefault()
    setIsAttempted(true)
    // A click that comes before the button could be disabled.
    if (findIdProblems(draft.id, true).length > 0 || hasBegun.current) return
    hasBegun.current = true
    setIsUnderWay(true)
    setRefused(await submit(draft))
    hasBegun.current = false
    setIsUnderWay(false)
  }

  return (
    <form onSubmit={onSubmit} noValidate>
      <DialogBody>
        {[...(problem ? [problem] : []), ...otherRefusals(refusals)].map((message) => (
          <Notice key={message} kind="problem" title={message} />
        ))}
        {isNew && (
          <IdField
            id={draft.id}
            errors={[...idProblems, ...refusalsAt(refusals, 'id')]}
            onChange={(id) => change({ id })}
          />
        )}
        <TypeField
          type={draft.thingType}
          errors={refusalsAt(refusals, 'thingType')}
          onChange={(thingType) => change({ thingType })}
        />
        <TagsField tags={draft.tags} errors={refusalsAt(refusals, 'tags')} onChange={(tags) => change({ tags })} />
        <ClientIdField draft={draft} errors={refusalsAt(refusals, 'clientId')} onChange={change} />
        {children}
      </DialogBody>
      <DialogFoot>
        <Button onClick={onClose}>Close</Button>
        <Button look="primary" type="submit" disabled={isUnderWay}>
          {submitWord}
        </Button>
      </DialogFoot>
    </form>
  )
}

interface TextFieldProps {
  errors: readonly string[]
}

function IdField({ id, errors, onChange }: TextFieldProps & { id: string; onChange: (id: string) => void }) {
  const { things } = useCaller()
  const scope = things ? ` Yours to register: ${things.join(', ')}.` : ''
  return (
    <Field label="Thing ID" hint={`${ID_RULE}. It is part of its topics, and never changes.${scope}`} errors={errors}>
      {(wiring) => (
        <input
          {...wiring}
          className={`${wiring.className} mono`}
          // biome-ignore lint/a11y/noAutofocus: it is the first field of the dialog that was just asked for.
          autoFocus
          required
          value={id}
          autoCapitalize="none"
          autoComplete="off"
          spellCheck={false}
          onChange={({ target }) => onChange(target.value.trim())}
        />
      )}
    </Field>
  )
}

const TYPES_OFFERED = 100

function TypeField({ type, errors, onChange }: TextFieldProps & { type: string; onChange: (type: string) => void }) {
  const { thingTypes } = useCaller()
  const [{ data, fetching }] = useQuery({ query: TypeNamesDocument, variables: { first: TYPES_OFFERED } })
  const types = data?.thingTypes.nodes.filter(({ name }) => matchesAny(thingTypes, name)) ?? []
  const chosen = types.some(({ name }) => name === type)
  const offered = types.filter(({ name }) => chosen || name.toLowerCase().includes(type.toLowerCase()))
  return (
    <Combo
      label="Thing Type"
      text={type}
      choices={offered.map(({ name, version, description }) => ({ id: name, description: description ?? version }))}
      nothing={fetching ? 'Searching…' : types.length === 0 ? 'No Thing Type is defined.' : 'No Thing Type like that.'}
      more={data?.thingTypes.pageInfo.hasNextPage ? 'There are more: type the whole name.' : undefined}
      hint="What commands it accepts. Empty: it has none, and accepts any action."
      errors={errors}
      onType={(text) => onChange(text.trim())}
      onChoose={onChange}
    />
  )
}

interface ClientIdFieldProps extends TextFieldProps {
  draft: ThingDraft
  onChange: (changed: Pick<ThingDraft, 'clientId'>) => void
}

const ClientIdField = ({ draft: { id, clientId }, errors, onChange }: ClientIdFieldProps) => (
  <Field label="Client ID" hint="What it calls itself at the MQTT broker. Empty: the thing ID." errors={errors}>
    {(wiring) => (
      <input
        {...wiring}
        className={`${wiring.className} mono`}
        placeholder={id}
        value={clientId}
        autoCapitalize="none"
        autoComplete="off"
        spellCheck={false}
        onChange={({ target }) => onChange({ clientId: target.value.trim() })}
      />
    )}
  </Field>
)
