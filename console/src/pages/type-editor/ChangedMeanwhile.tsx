import { Button } from '../../ui/Button.tsx'
import { Notice } from '../../ui/Notice.tsx'
import { Time } from '../../ui/Time.tsx'
import type { Theirs } from './use-type-editor.ts'

interface ChangedMeanwhileProps {
  theirs: Theirs
  isNew: boolean
  onKeepMine: () => void
  onTakeTheirs: () => void
}

/** Somebody else wrote it since: what becomes of theirs is decided, and not left to who saves last. */
export function ChangedMeanwhile({ theirs, isNew, onKeepMine, onTakeTheirs }: ChangedMeanwhileProps) {
  if (!theirs)
    return (
      <Notice kind="warning" title="This type was deleted meanwhile. Nothing was saved.">
        <Button onClick={onKeepMine}>Define it again</Button>
      </Notice>
    )
  const title = isNew
    ? 'There is a type of this name. Nothing was saved.'
    : 'Somebody changed this type meanwhile. Nothing was saved.'
  return (
    <Notice kind="warning" title={title}>
      <span>
        It was defined <Time at={theirs.updatedAt} />, as version {theirs.version} with{' '}
        {theirs.commands.length === 1 ? 'one command' : `${theirs.commands.length} commands`}.
      </span>
      <Button onClick={onTakeTheirs}>Drop mine and edit that one</Button>
      <Button look="danger" onClick={onKeepMine}>
        Replace it with mine
      </Button>
    </Notice>
  )
}
