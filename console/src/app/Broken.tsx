import type { ErrorComponentProps } from '@tanstack/react-router'
import { Button } from '../ui/Button.tsx'
import { Notice } from '../ui/Notice.tsx'

/** In place of a page that cannot be shown: a part of it could not be loaded, after an upgrade of the service for one, or it has a fault. */
export function Broken({ error }: ErrorComponentProps) {
  return (
    <Notice kind="problem" title="This page cannot be shown.">
      <span>{error instanceof Error ? error.message : String(error)}</span>
      <Button onClick={() => location.reload()}>Load it again</Button>
    </Notice>
  )
}
