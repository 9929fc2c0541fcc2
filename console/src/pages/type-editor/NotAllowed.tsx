import { Link } from '@tanstack/react-router'
import { Notice } from '../../ui/Notice.tsx'

/** Somebody shared the address with one who may only read. */
export const NotAllowed = () => (
  <Notice kind="empty" title="Only an admin may define this type.">
    <p>Yours is a role, or a part of the fleet, that it does not belong to.</p>
    <Link to="/types">To the thing types</Link>
  </Notice>
)
