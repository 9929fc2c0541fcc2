/** Things that accept any action, registered through the API as their owner would do it. */
import { failure } from '../../bench/processes/failure.ts'

const AT_A_TIME = 8
const MUTATION = 'mutation ($input: RegisterThingInput!) { registerThing(input: $input) { errors { message } } }'

export const thingNames = (count: number): string[] =>
  Array.from({ length: count }, (_, number) => `torture-${String(number).padStart(3, '0')}`)

export async function registerThings(url: string, things: readonly string[]): Promise<void> {
  for (let first = 0; first < things.length; first += AT_A_TIME)
    await Promise.all(things.slice(first, first + AT_A_TIME).map((id) => registerThing(url, id)))
}

async function registerThing(url: string, id: string): Promise<void> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: MUTATION, variables: { input: { id } } }),
  })
  const { data, errors } = (await response.json()) as {
    data?: { registerThing: { errors: { message: string }[] } }
    errors?: { message: string }[]
  }
  const problem = errors?.[0] ?? data?.registerThing.errors[0]
  if (problem) throw failure(`${id} cannot be registered: ${problem.message}`)
}
