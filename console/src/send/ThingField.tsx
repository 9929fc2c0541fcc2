/** Search as one types, in the service: there may be millions of things. */
import { useQuery } from 'urql'
import { FindThingsDocument, type ThingChoiceFragment, type ThingToCommandQuery } from '../generated/graphql.ts'
import { Presence } from '../ui/Presence.tsx'
import { useSettled } from '../ui/use-settled.ts'
import { Combo } from './Combo.tsx'

const OFFERED = 20
const PAUSE_MS = 120

type Found = ThingToCommandQuery['thing']

interface ThingFieldProps {
  thingId: string
  /** The thing of this id; null: there is none, undefined: not known yet. */
  thing: Found | undefined
  errors: readonly string[]
  onChange(thingId: string): void
}

export function ThingField({ thingId, thing, errors, onChange }: ThingFieldProps) {
  const idPrefix = useSettled(thingId, PAUSE_MS)
  const [{ data, fetching, error }] = useQuery({
    query: FindThingsDocument,
    variables: { idPrefix, first: OFFERED },
  })
  const things = data?.things.nodes ?? []
  const nothing = error ? 'The service does not answer.' : fetching ? 'Searching…' : 'No thing begins like that.'
  return (
    <Combo
      label="Thing"
      autoFocus={thingId === ''}
      isRequired
      text={thingId}
      choices={things.map((one) => ({ id: one.id, description: <About thing={one} /> }))}
      nothing={nothing}
      more={data?.things.pageInfo.hasNextPage ? 'There are more: type on.' : undefined}
      hint={
        thing ? <About thing={thing} /> : thing === null ? 'There is no such thing.' : 'Type the beginning of its id.'
      }
      errors={errors}
      onType={(text) => onChange(text.trim())}
      onChoose={onChange}
    />
  )
}

const About = ({ thing: { type, online } }: { thing: Pick<ThingChoiceFragment, 'type' | 'online'> }) => (
  <>
    {type ? `${type.name} ${type.version}` : 'no type'} · <Presence online={online} />
  </>
)
