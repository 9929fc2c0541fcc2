/** With an API key, or with a token of the organisation's sign-in. What is wrong is told when the service has refused it. */
import { type FormEvent, useId, useState } from 'react'
import { useTitle } from '../app/use-title.ts'
import { basicOf, bearerOf, signIn } from '../data/session.ts'
import { Button } from '../ui/Button.tsx'
import { Field } from '../ui/Field.tsx'
import { Notice } from '../ui/Notice.tsx'
import styles from './SignIn.module.css'

type Kind = 'key' | 'token'

const textOf = (data: FormData, name: string): string => String(data.get(name) ?? '').trim()

export function SignIn({ problem }: { problem: string | undefined }) {
  useTitle('Sign in')
  const [kind, setKind] = useState<Kind>('key')
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget)
    signIn(kind === 'key' ? basicOf(textOf(data, 'id'), textOf(data, 'secret')) : bearerOf(textOf(data, 'token')))
  }
  return (
    <main className={styles['page']}>
      <form className={styles['form']} onSubmit={submit}>
        <h1 className={styles['title']}>
          <img src="/assets/icon.svg" alt="" width="28" height="28" />
          Fleet Commands
        </h1>
        {problem && <Notice kind="problem" title={problem} />}
        <KindChoice kind={kind} onChoose={setKind} />
        {kind === 'key' ? <KeyFields /> : <TokenField />}
        <Button look="primary" type="submit">
          Sign in
        </Button>
        <p className="muted">Until this tab is closed. The service is asked whether it is good.</p>
      </form>
    </main>
  )
}

function KindChoice({ kind, onChoose }: { kind: Kind; onChoose: (kind: Kind) => void }) {
  const name = useId()
  return (
    <fieldset className={styles['kinds']}>
      <legend className="unseen">With</legend>
      {(['key', 'token'] as const).map((one) => (
        <label key={one}>
          <input type="radio" name={name} checked={kind === one} onChange={() => onChoose(one)} />{' '}
          {one === 'key' ? 'API key' : 'Token'}
        </label>
      ))}
    </fieldset>
  )
}

const KeyFields = () => (
  <>
    <Field label="Key id" hint="It begins with ak_.">
      {(wiring) => <input {...wiring} name="id" required autoComplete="username" spellCheck={false} />}
    </Field>
    <Field label="Secret">
      {(wiring) => <input {...wiring} name="secret" type="password" required autoComplete="current-password" />}
    </Field>
  </>
)

const TokenField = () => (
  <Field label="Token" hint="A JSON Web Token that the service is set up to take.">
    {(wiring) => <textarea {...wiring} name="token" required rows={5} spellCheck={false} autoComplete="off" />}
  </Field>
)
