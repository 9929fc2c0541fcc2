/** The commands of a type, in their order: one is open, or several. */
import { useEffect, useRef, useState } from 'react'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { CommandCard } from './CommandCard.tsx'
import { type CommandDraft, newCommand } from './draft.ts'
import type { Members, SchemaField } from './fields.ts'
import { moveButtonId } from './move-button.ts'
import styles from './TypeEditor.module.css'

const MAX_COMMANDS = 200

interface CommandsProps {
  commands: readonly CommandDraft[]
  /** Where something is wrong. */
  places: readonly string[]
  attempts: number
  onChange(commands: readonly CommandDraft[]): void
}

export function Commands({ commands, places, attempts, onChange }: CommandsProps) {
  const wrongKeys = commands.filter((command, n) => isWrong(command, n, places)).map(({ key }) => key)
  const { moved, move } = useMove(commands, onChange)
  const [openKeys, setOpenKeys] = useOpenKeys(commands[0]?.key, attempts, wrongKeys)
  const toggle = (key: string) =>
    setOpenKeys((open) => (open.includes(key) ? open.filter((one) => one !== key) : [...open, key]))
  const list = useRef<HTMLOListElement>(null)
  const isAdded = useRef(false)
  useEffect(() => {
    if (!isAdded.current) return
    isAdded.current = false
    list.current?.querySelector<HTMLElement>(':scope > li:last-child input')?.focus()
  })
  const add = () => {
    isAdded.current = true
    const command = newCommand()
    onChange([...commands, command])
    setOpenKeys((open) => [...open, command.key])
  }
  return (
    <>
      <h2>Commands</h2>
      {commands.length === 0 && <p className="muted">Without any, its things take every action, with any params.</p>}
      <span role="status" className="unseen">
        {moved}
      </span>
      <ol ref={list} className={styles['commands']}>
        {commands.map((command, n) => (
          <CommandCard
            key={command.key}
            command={command}
            place={n}
            isLast={n === commands.length - 1}
            isOpen={openKeys.includes(command.key)}
            isWrong={wrongKeys.includes(command.key)}
            onToggle={() => toggle(command.key)}
            onChange={(changed) => onChange(commands.with(n, { ...command, ...changed }))}
            onRemove={() => onChange(commands.toSpliced(n, 1))}
            onMove={(by) => move(n, by)}
          />
        ))}
      </ol>
      <div>
        <Button onClick={add} disabled={commands.length >= MAX_COMMANDS}>
          <Icon name="plus" /> Add a command
        </Button>
      </div>
    </>
  )
}

/** What is wrong in a closed one would not be seen: after each attempt to save they are open, and at once, so that it can have the focus. */
function useOpenKeys(first: string | undefined, attempts: number, wrongKeys: readonly string[]) {
  const [openKeys, setOpenKeys] = useState<readonly string[]>(() => (first ? [first] : []))
  const [seen, setSeen] = useState(attempts)
  if (seen !== attempts) {
    setSeen(attempts)
    setOpenKeys([...new Set([...openKeys, ...wrongKeys])])
  }
  return [openKeys, setOpenKeys] as const
}

/** A button that moved with its command keeps the focus. */
function useMove(commands: readonly CommandDraft[], onChange: CommandsProps['onChange']) {
  const [move, setMove] = useState<{ key: string; by: 1 | -1; told: string }>()
  useEffect(() => {
    if (!move) return
    const buttons = [move.by, -move.by].map((by) => document.getElementById(moveButtonId(move.key, by)))
    buttons.find((button) => button instanceof HTMLButtonElement && !button.disabled)?.focus()
  }, [move])
  return {
    moved: move?.told ?? '',
    move(from: number, by: 1 | -1) {
      const command = commands[from]
      if (!command) return
      onChange(commands.toSpliced(from, 1).toSpliced(from + by, 0, command))
      setMove({ key: command.key, by, told: `${command.name} is number ${from + by + 1} of ${commands.length}.` })
    },
  }
}

function isWrong({ params, result }: CommandDraft, n: number, places: readonly string[]): boolean {
  const keys = [params, result].flatMap(({ members }) => (members ? keysOf(members) : []))
  return places.some((at) => at.startsWith(`commands.${n}.`) || keys.some((key) => at.startsWith(`${key}.`)))
}

const keysOf = ({ fields }: Members): string[] => fields.flatMap(keysOfField)

const keysOfField = ({ key, members, item }: SchemaField): string[] => [
  key,
  ...keysOf(members),
  ...(item ? keysOfField(item) : []),
]
