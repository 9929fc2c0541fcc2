/** The fleet in the registry: through the API, as its owner would do it, and in SQL. */
import { COMMANDS, THING_TYPE, thingName } from '../fleet.ts'
import { failure } from '../processes/failure.ts'

const AT_A_TIME = 16

export async function registerFleet(url: string, things: number): Promise<void> {
  await mutate(
    url,
    'mutation ($input: DefineThingTypeInput!) { payload: defineThingType(input: $input) { errors { message } } }',
    {
      name: THING_TYPE,
      version: '1.0.0',
      commands: COMMANDS,
    },
  )
  let next = 0
  const register = async () => {
    for (let number = next++; number < things; number = next++) await registerThing(url, thingName(number))
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, register))
}

const registerThing = (url: string, id: string): Promise<void> =>
  mutate(
    url,
    'mutation ($input: RegisterThingInput!) { payload: registerThing(input: $input) { errors { message } } }',
    {
      id,
      thingType: THING_TYPE,
    },
  )

/** The same fleet in SQL, for what has no API to register one. */
export function fleetStatements(things: number): string {
  const commands = JSON.stringify(COMMANDS).replaceAll("'", "''")
  const rows = Array.from({ length: things }, (_, number) => thingName(number)).map(
    (id) => `('${id}', '${id}', '${THING_TYPE}', '{}')`,
  )
  return `
    insert into thing_types (name, version, commands) values ('${THING_TYPE}', '1.0.0', '${commands}');
    insert into things (id, client_id, thing_type, tags) values ${rows.join(', ')}`
}

interface Answer {
  data?: { payload: { errors: { message: string }[] } } | null
  errors?: { message: string }[]
}

async function mutate(url: string, query: string, input: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input } }),
  }).catch(({ cause }: Error) => {
    throw failure(`the service does not answer: ${cause instanceof Error ? cause.message : cause}`)
  })
  const { data, errors } = (await response.json()) as Answer
  const problem = errors?.[0] ?? data?.payload.errors[0]
  if (problem) throw failure(`the fleet cannot be registered: ${problem.message}`)
}
