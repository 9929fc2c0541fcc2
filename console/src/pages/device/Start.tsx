/** Which thing this tab shall be, and what stands in the way: not registered, a secret, another device with its name. */
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useEffect, useEffectEvent, useState } from 'react'
import { useQuery } from 'urql'
import { useAbout } from '../../data/about.ts'
import { describeProblem } from '../../data/problem.ts'
import { useDevices } from '../../device/DeviceProvider.tsx'
import { ThingToSimulateDocument, type ThingToSimulateQuery } from '../../generated/graphql.ts'
import { Button } from '../../ui/Button.tsx'
import { Field } from '../../ui/Field.tsx'
import { Notice } from '../../ui/Notice.tsx'
import styles from './DevicePage.module.css'
import { Register } from './Register.tsx'

type Thing = NonNullable<ThingToSimulateQuery['thing']>

/** A device that was stopped a moment ago may be said to be online still. */
const LOOK_AGAIN_MS = 2_000

const THING_ID = /^[A-Za-z0-9_.:-]{1,128}$/

export function Start({ initialThing }: { initialThing: string }) {
  const [thingId, setThingId] = useState(initialThing)
  const [secret, setSecret] = useState('')
  const isId = THING_ID.test(thingId)
  const { thing, problem, ask } = useThing(isId ? thingId : '')
  return (
    <div className={styles['panel']}>
      <p>
        This tab becomes a device: it gets the commands that are sent to the thing, and you decide what it answers.
        Nothing has to be installed.
      </p>
      <Field label="Thing" errors={isId ? [] : ['Expected 1 to 128 characters of A-Z a-z 0-9 _ . : -']}>
        {(wiring) => (
          <input
            {...wiring}
            className={`${wiring.className} mono`}
            value={thingId}
            autoCapitalize="none"
            autoComplete="off"
            spellCheck={false}
            onChange={({ target }) => setThingId(target.value.trim())}
          />
        )}
      </Field>
      {problem && (
        <Notice kind="problem" title="The thing could not be looked up.">
          <span>{problem}</span>
          <Button onClick={ask}>Try again</Button>
        </Notice>
      )}
      {isId && thing === null && (
        <Register
          thingId={thingId}
          onRegistered={(issued) => {
            setSecret(issued ?? '')
            ask()
          }}
        />
      )}
      {thing && <Connect key={thing.id} thing={thing} initialSecret={secret} />}
      <p className="muted">
        It goes on while you are on other pages of the console, and ends when this tab is closed or loaded again.
      </p>
    </div>
  )
}

/** null: there is none; undefined: not known yet. */
function useThing(id: string) {
  const [{ data, fetching, error }, execute] = useQuery({
    query: ThingToSimulateDocument,
    variables: { id },
    pause: id === '',
  })
  const ask = () => execute({ requestPolicy: 'network-only' })
  const found = data?.thing
  const isOnline = found?.online === true
  const lookAgain = useEffectEvent(ask)
  useEffect(() => {
    if (!isOnline) return
    const timer = setInterval(() => lookAgain(), LOOK_AGAIN_MS)
    return () => clearInterval(timer)
  }, [isOnline])
  const thing = found?.id === id ? found : !data || fetching || found ? undefined : null
  return {
    thing: id === '' ? undefined : thing,
    problem: error && describeProblem(error),
    ask,
  }
}

/** `issuedSecret`: that of a thing that was registered just now, which is shown this once. */
function Connect({ thing, initialSecret }: { thing: Thing; initialSecret: string }) {
  const { requiresSecrets } = useAbout().broker
  const { start } = useDevices()
  const navigate = useNavigate()
  const [secret, setSecret] = useState(initialSecret)
  const [isStarting, setIsStarting] = useState(false)
  const [problem, setProblem] = useState<string>()
  useEffect(() => setSecret(initialSecret), [initialSecret])
  const isSecretWanted = requiresSecrets === true || thing.hasSecret
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setIsStarting(true)
    try {
      await start({ thingId: thing.id, clientId: thing.clientId, secret: secret || undefined })
      void navigate({ to: '/device', search: { thing: thing.id }, replace: true })
    } catch {
      setIsStarting(false)
      setProblem('A part of the console could not be loaded. Load the page again.')
    }
  }
  return (
    <form className={styles['form']} onSubmit={submit}>
      {problem && <Notice kind="problem" title={problem} />}
      {thing.online && (
        <Notice kind="warning" title={`${thing.id} is online already.`}>
          <span>Another device has its client id. Each of the two would throw the other off: stop that one first.</span>
        </Notice>
      )}
      {isSecretWanted && (
        <Field
          label="Secret of the thing"
          hint={
            initialSecret
              ? 'It was issued just now, and is shown this once: keep it if you want to connect again.'
              : 'It was shown when it was issued. It is kept nowhere here.'
          }
        >
          {(wiring) => (
            <input
              {...wiring}
              className={`${wiring.className} mono`}
              type={initialSecret ? 'text' : 'password'}
              value={secret}
              required
              autoComplete="off"
              spellCheck={false}
              onChange={({ target }) => setSecret(target.value.trim())}
            />
          )}
        </Field>
      )}
      <div>
        <Button look="primary" type="submit" disabled={isStarting}>
          {isStarting ? 'Starting…' : `Be ${thing.id}`}
        </Button>
      </div>
    </form>
  )
}
