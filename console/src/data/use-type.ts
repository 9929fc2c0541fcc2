import { useQuery } from 'urql'
import { FindThingTypeDocument, type WholeThingTypeFragment } from '../generated/graphql.ts'
import { describeProblem } from './problem.ts'

export type ThingType = WholeThingTypeFragment

/** A Thing Type as it is now; null: there is none of this name. */
export function useType(name: string) {
  const [{ data, error, fetching }, ask] = useQuery({ query: FindThingTypeDocument, variables: { name } })
  const found = data?.thingType
  // While another one is looked up, the one before is still in `data`.
  const isThis = data !== undefined && (found === null || found?.name === name)
  return {
    type: isThis ? (found ?? null) : undefined,
    problem: error && !fetching ? describeProblem(error) : undefined,
    retry: () => ask({ requestPolicy: 'network-only' }),
  }
}
