/** A device that lives in this page: it gets requests, and a person decides, or it answers by itself. */
import { serverNow } from '../data/clock.ts'
import { createStore, type Store } from '../data/store.ts'
import { decide, expire, find, type Inbox, take } from './inbox.ts'
import { type Answer, encodeAnswer, type Request, readRequest, responseTopic, suggestResult } from './protocol.ts'
import { openWire, type Wire } from './wire.ts'

export interface DeviceOptions {
  thingId: string
  clientId: string
  secret: string | undefined
  path: string
}

export interface DeviceState {
  link: 'connecting' | 'connected' | 'lost' | 'refused'
  problem: string | undefined
  isSecretWanted: boolean
  inbox: Inbox
  /** Whether each request succeeds at once. */
  isAutomatic: boolean
}

export interface Device extends Pick<Store<DeviceState>, 'get' | 'subscribe'> {
  thingId: string
  answer(executionId: string, answer: Answer): void
  /** Does not answer. */
  staySilent(executionId: string): void
  setAutomatic(isAutomatic: boolean): void
  stop(): void
}

const EXPIRE_EVERY_MS = 500

export function startDevice(options: DeviceOptions): Device {
  const { thingId } = options
  const state = createStore<DeviceState>({
    link: 'connecting',
    problem: undefined,
    isSecretWanted: false,
    inbox: [],
    isAutomatic: false,
  })
  let wire: Wire | undefined
  let isStopped = false
  const update = (changed: Partial<DeviceState>) => state.set({ ...state.get(), ...changed })
  const updateInbox = (change: (inbox: Inbox) => Inbox) => {
    const { inbox } = state.get()
    const next = change(inbox)
    if (next !== inbox) update({ inbox: next })
  }

  async function publish(executionId: string, answer: Answer, payload: string): Promise<void> {
    await wire?.publish(responseTopic(thingId, executionId), payload)
    updateInbox((inbox) => decide(inbox, executionId, { kind: 'answered', answer, payload }))
  }

  function answer(executionId: string, given: Answer): void {
    // Once for each execution, and not after its time.
    updateInbox((inbox) => expire(inbox, serverNow()))
    if (find(state.get().inbox, executionId)?.outcome.kind !== 'waiting') return
    const payload = encodeAnswer(given, serverNow())
    updateInbox((inbox) => decide(inbox, executionId, { kind: 'answering', answer: given, payload }))
    publish(executionId, given, payload).catch(reportUnsent)
  }

  function receive(request: Request): void {
    const known = find(state.get().inbox, request.executionId)
    updateInbox((inbox) => take(inbox, request, serverNow()))
    if (!known) {
      if (state.get().isAutomatic) succeed(request)
      return
    }
    // Answered before: the same answer again, as long as it may be of use.
    const { outcome } = known
    if (outcome.kind === 'answered' && serverNow() < request.expiresAtMs)
      publish(request.executionId, outcome.answer, outcome.payload).catch(reportUnsent)
  }

  const succeed = (request: Request) =>
    answer(request.executionId, { status: 'SUCCEEDED', result: suggestResult(request) })

  function reportUnsent(): void {
    if (!isStopped) update({ problem: 'An answer did not get through to the broker.' })
  }

  openWire(options, {
    onConnected: () => update({ link: 'connected', problem: undefined }),
    onLost: () => update({ link: 'lost' }),
    onRefused: (problem, isSecretWanted) => update({ link: 'refused', problem, isSecretWanted }),
    onMessage(topic, payload) {
      const request = readRequest(thingId, topic, payload)
      if (request && !isStopped) receive(request)
    },
  }).then(
    (opened) => {
      if (isStopped) opened.close()
      else wire = opened
    },
    () => update({ link: 'refused', problem: 'Its code could not be loaded. Load the page again.' }),
  )
  const timer = setInterval(() => updateInbox((inbox) => expire(inbox, serverNow())), EXPIRE_EVERY_MS)

  return {
    thingId,
    get: state.get,
    subscribe: state.subscribe,
    answer,
    staySilent: (executionId) =>
      updateInbox((inbox) =>
        find(inbox, executionId)?.outcome.kind === 'waiting' ? decide(inbox, executionId, { kind: 'silent' }) : inbox,
      ),
    setAutomatic: (isAutomatic) => update({ isAutomatic }),
    stop() {
      isStopped = true
      clearInterval(timer)
      wire?.close()
    },
  }
}
