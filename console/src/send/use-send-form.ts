/** What the form holds, what is wrong with it, and the one send that comes of it. */
import { useMemo, useRef, useState } from 'react'
import { useMutation, useQuery } from 'urql'
import { describeProblem } from '../data/problem.ts'
import {
  SendCommandDocument,
  type SendCommandInput,
  type SendCommandMutation,
  ThingToCommandDocument,
} from '../generated/graphql.ts'
import type { Definition } from './ActionField.tsx'
import { check, type Problem } from './check.ts'
import { createIntent } from './intent.ts'
import type { Sent } from './SendDialog.tsx'
import type { Draft } from './SendProvider.tsx'
import { initialOf, isObject, type JsonObject } from './schema.ts'

export interface Form {
  thingId: string
  action: string
  params: JsonObject
  /** As typed; empty: the default. */
  ttl: string
}

type UserErrors = SendCommandMutation['sendCommand']['errors']

const DEFAULT_TTL_SECONDS = 30
const MAX_TTL_SECONDS = 86_400

export function useSendForm(draft: Draft, onSent: (sent: Sent, draft: Draft) => void) {
  const [form, setForm] = useState<Form>(() => ({
    thingId: draft.thingId ?? '',
    action: draft.action ?? '',
    params: draft.params ?? {},
    ttl: draft.ttl === undefined ? '' : String(draft.ttl),
  }))
  const [refusals, setRefusals] = useState<UserErrors>([])
  const [problem, setProblem] = useState<string>()
  const [isReadable, setIsReadable] = useState(true)
  const [isAttempted, setIsAttempted] = useState(false)
  const [isSending, setIsSending] = useState(false)
  const intent = useRef(createIntent())
  const isUnderWay = useRef(false)
  const [, mutate] = useMutation(SendCommandDocument)
  const { thing, definitions, definition } = useThing(form)

  const wrong = useMemo(
    () => check(definition?.paramsSchema ?? {}, definition?.paramsSchema ?? {}, form.params),
    [definition, form.params],
  )
  const ttlProblem = findTtlProblem(form.ttl)

  function change(changed: Partial<Form>): void {
    setForm((before) => ({ ...before, ...changed }))
    setRefusals([])
    setProblem(undefined)
  }

  /** Another command takes other params: it begins with its own defaults. */
  function chooseAction(action: string): void {
    const schema = definitions.find(({ name }) => name === action)?.paramsSchema
    const initial = schema ? initialOf(schema, schema, true) : form.params
    change({ action, ...(action !== form.action && isObject(initial) && { params: initial }) })
  }

  async function send(): Promise<void> {
    setIsAttempted(true)
    if (form.thingId === '' || form.action === '' || ttlProblem || wrong.length > 0 || !isReadable) return
    // A click that comes before the button could be disabled.
    if (isUnderWay.current) return
    isUnderWay.current = true
    setIsSending(true)
    const request = requestOf(form, draft)
    const { data, error } = await mutate({ input: { ...request, idempotencyKey: intent.current.keyFor(request) } })
    isUnderWay.current = false
    setIsSending(false)
    if (error)
      return setProblem(
        `${describeProblem(error)} Whether it was sent is not known. Sent again as it is, it is sent once at most.`,
      )
    take(data?.sendCommand, draftOf(form, draft))
  }

  function take(answer: SendCommandMutation['sendCommand'] | undefined, next: Draft): void {
    const [first] = answer?.errors ?? []
    const executionId = answer?.execution?.id ?? first?.executionId
    if (executionId) onSent({ executionId, execution: answer?.execution ?? undefined, warning: first?.message }, next)
    else setRefusals(answer?.errors ?? [])
  }

  const missing = (field: 'thingId' | 'action') => (isAttempted && form[field] === '' ? ['This is required.'] : [])
  const problems: Problem[] = [
    ...wrong.filter(({ isMissing }) => !isMissing || isAttempted),
    ...refusals
      .filter(({ path }) => path[0] === 'params')
      .map(({ path, message }) => ({ path: path.slice(1), message })),
  ]
  return {
    form,
    thing,
    definitions,
    definition,
    isSending,
    problem,
    problems,
    errorsOf: (field: 'thingId' | 'action') => [...missing(field), ...refusalsAt(refusals, field)],
    ttlErrors: [...(ttlProblem ? [ttlProblem] : []), ...refusalsAt(refusals, 'ttl')],
    /** What the service refused and no field is to blame for. */
    others: refusals
      .filter(({ path: [field] }) => !FIELDS.some((known) => known === field))
      .map(({ message }) => message),
    defaultTtl: definition?.defaultTtl ?? DEFAULT_TTL_SECONDS,
    change,
    chooseAction,
    setIsReadable,
    send,
  }
}

const FIELDS = ['thingId', 'action', 'params', 'ttl'] as const

const refusalsAt = (refusals: UserErrors, field: (typeof FIELDS)[number]): string[] =>
  refusals.filter(({ path }) => path[0] === field).map(({ message }) => message)

function useThing({ thingId, action }: Form) {
  const [{ data, fetching }] = useQuery({
    query: ThingToCommandDocument,
    variables: { id: thingId },
    pause: thingId === '',
  })
  const found = data?.thing
  // While another one is looked up, the one before is still in `data`.
  const thing =
    thingId === '' ? undefined : found?.id === thingId ? found : fetching || found ? undefined : data && null
  const definitions: readonly Definition[] = thing?.type?.commands ?? []
  return { thing, definitions, definition: definitions.find(({ name }) => name === action) }
}

function findTtlProblem(ttl: string): string | undefined {
  if (ttl.trim() === '') return undefined
  const seconds = Number(ttl)
  const isGood = Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_TTL_SECONDS
  return isGood ? undefined : 'Expected a whole number of seconds from 1 to 86,400.'
}

const requestOf = ({ thingId, action, params, ttl }: Form, { delivery }: Draft): SendCommandInput => ({
  thingId,
  action,
  params,
  ...(ttl.trim() !== '' && { ttl: Number(ttl) }),
  ...(delivery && { delivery }),
})

const draftOf = ({ thingId, action, params, ttl }: Form, { delivery }: Draft): Draft => ({
  thingId,
  action,
  params,
  ...(ttl.trim() !== '' && { ttl: Number(ttl) }),
  ...(delivery && { delivery }),
})
