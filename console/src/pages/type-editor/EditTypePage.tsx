import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTitle } from '../../app/use-title.ts'
import { mayDefineType, useCaller } from '../../data/caller.ts'
import { type ThingType, useType } from '../../data/use-type.ts'
import { Button } from '../../ui/Button.tsx'
import { Notice } from '../../ui/Notice.tsx'
import { NotAllowed } from './NotAllowed.tsx'
import { TypeEditor } from './TypeEditor.tsx'

export function EditTypePage() {
  const { name } = useParams({ from: '/types/$name/edit' })
  useTitle(`Edit ${name}`)
  return mayDefineType(useCaller(), name) ? <Loaded key={name} name={name} /> : <NotAllowed />
}

function Loaded({ name }: { name: string }) {
  const { type, problem, retry } = useType(name)
  if (type) return <Begun type={type} />
  if (problem)
    return (
      <Notice kind="problem" title="The type could not be read.">
        <span>{problem}</span>
        <Button onClick={retry}>Try again</Button>
      </Notice>
    )
  if (type === undefined) return <p role="status">Loading…</p>
  return (
    <Notice kind="empty" title="There is no thing type of this name.">
      <Link to="/types">To the thing types</Link>
    </Notice>
  )
}

/** What is edited is what was read first, whatever is read later. */
function Begun({ type }: { type: ThingType }) {
  const [begun] = useState(type)
  return <TypeEditor before={begun} />
}
