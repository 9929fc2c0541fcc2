import { Link } from '@tanstack/react-router'
import { Notice } from '../ui/Notice.tsx'
import { useTitle } from './use-title.ts'

export function Missing() {
  useTitle('Not found')
  return (
    <Notice kind="empty" title="There is no such page.">
      <Link to="/commands">To the commands</Link>
    </Notice>
  )
}
