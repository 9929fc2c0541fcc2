/** A broken socket says so: what is shown may be old. */
import { useEffect, useState } from 'react'
import { useService } from '../../data/service.ts'
import { useStore } from '../../data/store.ts'
import { Button } from '../../ui/Button.tsx'
import { Notice } from '../../ui/Notice.tsx'

/** A break that is over before anybody could read of it is not told. */
const PATIENCE_MS = 1_000

export function LinkNotice() {
  const { link } = useService()
  const state = useStore(link.state)
  const isBroken = state === 'lost' || state === 'offline'
  const [isTold, setIsTold] = useState(false)
  useEffect(() => {
    if (!isBroken) return setIsTold(false)
    const timer = setTimeout(() => setIsTold(true), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [isBroken])
  if (!isTold) return null
  if (state === 'offline')
    return (
      <Notice kind="warning" title="This machine is offline.">
        <span>What is shown may be old. What happens meanwhile is fetched once it is back.</span>
      </Notice>
    )
  return (
    <Notice kind="warning" title="The connection to the service is broken.">
      <span>What is shown may be old. It reconnects by itself, and fetches what happened meanwhile.</span>
      <Button onClick={link.retry}>Try now</Button>
    </Notice>
  )
}
