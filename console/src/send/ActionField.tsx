import { matchesAny, useCaller } from '../data/caller.ts'
import type { ThingToCommandQuery } from '../generated/graphql.ts'
import { Field } from '../ui/Field.tsx'
import { Combo } from './Combo.tsx'

type Thing = NonNullable<ThingToCommandQuery['thing']>
export type Definition = NonNullable<Thing['type']>['commands'][number]

interface ActionFieldProps {
  action: string
  definitions: readonly Definition[]
  errors: readonly string[]
  onChange(action: string): void
}

/** Those of the thing's type; free text where it defines none. */
export function ActionField({ action, definitions, errors, onChange }: ActionFieldProps) {
  const { actions } = useCaller()
  if (definitions.length === 0)
    return (
      <Field label="Action" hint="This thing accepts any action." errors={errors}>
        {(wiring) => (
          <input
            {...wiring}
            required
            className={`${wiring.className} mono`}
            value={action}
            maxLength={128}
            autoCapitalize="none"
            autoComplete="off"
            spellCheck={false}
            onChange={({ target }) => onChange(target.value)}
          />
        )}
      </Field>
    )
  const chosen = definitions.find(({ name }) => name === action)
  const typed = action.toLowerCase()
  const offered = definitions.filter(
    ({ name }) => matchesAny(actions, name) && (chosen !== undefined || name.toLowerCase().includes(typed)),
  )
  return (
    <Combo
      label="Action"
      isRequired
      text={action}
      choices={offered.map(({ name, description }) => ({ id: name, description }))}
      nothing="The type of this thing defines no such command."
      hint={chosen?.description ?? undefined}
      errors={errors}
      onType={onChange}
      onChoose={onChange}
    />
  )
}
