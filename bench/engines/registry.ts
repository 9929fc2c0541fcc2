/** Registers the fleet through the API, as its owner would. */
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

interface Answer {
  data?: { payload: { errors: { message: string }[] } } | null
  errors?: { message: string }[]
}

async function mutate(url: string, query: string, input: unknown): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables: { input } }),
  })
  const { data, errors } = (await response.json()) as Answer
  const problem = errors?.[0] ?? data?.payload.errors[0]
  if (problem) throw failure(`the fleet cannot be registered: ${problem.message}`)
}
