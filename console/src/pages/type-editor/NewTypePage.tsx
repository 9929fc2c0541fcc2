import { useTitle } from '../../app/use-title.ts'
import { mayDefine, useCaller } from '../../data/caller.ts'
import { NotAllowed } from './NotAllowed.tsx'
import { TypeEditor } from './TypeEditor.tsx'

export function NewTypePage() {
  useTitle('Define a type')
  return mayDefine(useCaller()) ? <TypeEditor /> : <NotAllowed />
}
