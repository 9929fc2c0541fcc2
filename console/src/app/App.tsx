/** Who asks comes first: without that nothing is shown, and nothing asked. */
import { RouterProvider } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { Provider, useQuery } from 'urql'
import { AboutProvider } from '../data/about.ts'
import { CallerProvider } from '../data/caller.ts'
import { describeProblem } from '../data/problem.ts'
import { createService, type Service, ServiceProvider, useService } from '../data/service.ts'
import { session } from '../data/session.ts'
import { useStore } from '../data/store.ts'
import { CallerDocument } from '../generated/graphql.ts'
import { SignIn } from '../session/SignIn.tsx'
import { Button } from '../ui/Button.tsx'
import { Notice } from '../ui/Notice.tsx'
import styles from './App.module.css'
import { router } from './router.tsx'

export function App() {
  const { authorization, isWanted, problem } = useStore(session)
  const service = useServiceOf(authorization)
  if (isWanted) return <SignIn problem={problem} />
  if (!service) return null
  return (
    <ServiceProvider value={service}>
      <Provider value={service.client}>
        <Identified />
      </Provider>
    </ServiceProvider>
  )
}

function useServiceOf(authorization: string | undefined): Service | undefined {
  const [service, setService] = useState<Service>()
  useEffect(() => {
    const made = createService(authorization)
    setService(made)
    return () => made.link.dispose()
  }, [authorization])
  return service?.authorization === authorization ? service : undefined
}

const RETRY_MS = 3_000

function Identified() {
  const { authorization } = useService()
  const [{ data, error }, ask] = useQuery({ query: CallerDocument })
  const isMissing = !data && error !== undefined
  useEffect(() => {
    if (!isMissing) return
    const timer = setInterval(() => ask({ requestPolicy: 'network-only' }), RETRY_MS)
    return () => clearInterval(timer)
  }, [isMissing, ask])
  if (data)
    return (
      <CallerProvider value={data.caller}>
        <AboutProvider value={data.service}>
          <RouterProvider router={router} key={authorization} />
        </AboutProvider>
      </CallerProvider>
    )
  return (
    <main className={styles['alone']}>
      {error ? (
        <Notice kind="problem" title="The console cannot begin.">
          <span>{describeProblem(error)} It is tried again by itself.</span>
          <Button onClick={() => ask({ requestPolicy: 'network-only' })}>Try now</Button>
        </Notice>
      ) : (
        <p role="status">Connecting…</p>
      )}
    </main>
  )
}
