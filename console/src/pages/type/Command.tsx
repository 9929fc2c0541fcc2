import { matchesAny, useCaller } from '../../data/caller.ts'
import type { ThingType } from '../../data/use-type.ts'
import { useSend } from '../../send/SendProvider.tsx'
import { initialOf, isObject } from '../../send/schema.ts'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { formatDuration } from '../../ui/time.ts'
import { SchemaTable } from './SchemaTable.tsx'
import styles from './TypePage.module.css'

type CommandDefinition = ThingType['commands'][number]

const DEFAULT_TTL_SECONDS = 30

export function Command({ command }: { command: CommandDefinition }) {
  const { name, description, paramsSchema, resultSchema, defaultTtl, delivery } = command
  return (
    <section className={styles['section']} aria-label={name}>
      <header className={styles['head']}>
        <h3 className="mono">{name}</h3>
        <span className="muted">
          TTL {formatDuration((defaultTtl ?? DEFAULT_TTL_SECONDS) * 1_000)}
          {defaultTtl === null && ' (default)'} · {delivery === 'AT_LEAST_ONCE' ? 'at least once' : 'at most once'}
        </span>
        <SendButton command={command} />
      </header>
      {description && <p>{description}</p>}
      <SchemaTable name="Params" schema={paramsSchema} nothing="Any: they are not checked." />
      {resultSchema && <SchemaTable name="Result" schema={resultSchema} nothing="" />}
    </section>
  )
}

/** It asks for the thing, and begins with this command and its defaults. */
function SendButton({ command: { name, paramsSchema } }: { command: CommandDefinition }) {
  const { isOffered, open, prepare } = useSend()
  const { actions } = useCaller()
  if (!isOffered || !matchesAny(actions, name)) return null
  const initial = paramsSchema ? initialOf(paramsSchema, paramsSchema, true) : {}
  return (
    <div className={styles['manage']}>
      <Button
        aria-haspopup="dialog"
        aria-label={`Send ${name}`}
        onPointerEnter={prepare}
        onFocus={prepare}
        onClick={() => open({ action: name, params: isObject(initial) ? initial : {} })}
      >
        <Icon name="send" /> Send
      </Button>
    </div>
  )
}
