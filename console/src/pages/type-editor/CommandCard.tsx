import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { CommandFields } from './CommandFields.tsx'
import { type CommandDraft, DEFAULT_TTL_SECONDS } from './draft.ts'
import { moveButtonId } from './move-button.ts'
import { Preview } from './Preview.tsx'
import { SchemaEditor } from './SchemaEditor.tsx'
import styles from './TypeEditor.module.css'

interface CommandCardProps {
  command: CommandDraft
  place: number
  isLast: boolean
  isOpen: boolean
  isWrong: boolean
  onToggle: () => void
  onChange(changed: Partial<CommandDraft>): void
  onRemove: () => void
  onMove(by: 1 | -1): void
}

export function CommandCard(props: CommandCardProps) {
  const { command, place, isOpen, onChange } = props
  return (
    <li className={styles['section']} data-command={command.name}>
      <Head {...props} />
      {isOpen && (
        <div className={styles['body']}>
          <CommandFields command={command} place={place} onChange={onChange} />
          <div className={styles['columns']}>
            <SchemaEditor
              title="Params"
              at={`commands.${place}.paramsSchema`}
              draft={command.params}
              nothing="Any params are taken, and none is checked."
              onChange={(params) => onChange({ params })}
            />
            <Preview draft={command.params} />
          </div>
          <SchemaEditor
            title="Result"
            at={`commands.${place}.resultSchema`}
            draft={command.result}
            nothing="What a thing answers is not described."
            onChange={(result) => onChange({ result })}
          />
        </div>
      )}
    </li>
  )
}

function Head({ command, place, isLast, isOpen, isWrong, onToggle, onRemove, onMove }: CommandCardProps) {
  const name = command.name || `command ${place + 1}`
  return (
    <header className={styles['head']}>
      <button type="button" className={styles['toggle']} aria-expanded={isOpen} onClick={onToggle}>
        <span className="mono">{command.name || <span className="muted">without a name</span>}</span>
        <span className={isWrong ? styles['wrong'] : 'muted'}>{isWrong ? 'to be put right' : summaryOf(command)}</span>
      </button>
      <div className={styles['tools']}>
        <Button
          look="quiet"
          id={moveButtonId(command.key, -1)}
          aria-label={`Move ${name} up`}
          disabled={place === 0}
          onClick={() => onMove(-1)}
        >
          <Icon name="up" />
        </Button>
        <Button
          look="quiet"
          id={moveButtonId(command.key, 1)}
          aria-label={`Move ${name} down`}
          disabled={isLast}
          onClick={() => onMove(1)}
        >
          <Icon name="down" />
        </Button>
        <Button look="quiet" aria-label={`Remove ${name}`} onClick={onRemove}>
          <Icon name="close" />
        </Button>
      </div>
    </header>
  )
}

function summaryOf({ params: { view, members }, ttl }: CommandDraft): string {
  const count = members?.fields.length ?? 0
  const taken = view === 'none' ? 'any params' : view === 'json' || !members ? 'params as JSON Schema' : wordsFor(count)
  return `${taken}, TTL ${ttl.trim() || DEFAULT_TTL_SECONDS} s`
}

const wordsFor = (count: number): string => (count === 0 ? 'no params' : count === 1 ? 'one param' : `${count} params`)
