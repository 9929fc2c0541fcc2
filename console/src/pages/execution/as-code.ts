/** The same command as text, to be pasted elsewhere. Secrets are never in it. */
import type { Execution } from '../../data/use-execution.ts'

const MUTATION = `mutation Send($input: SendCommandInput!) {
  sendCommand(input: $input) {
    execution { id status statusReason { code message } result }
    errors { code message path }
  }
}`

const inputOf = ({ thingId, action, params, ttl, delivery }: Execution) => ({
  thingId,
  action,
  params: params ?? {},
  ttl,
  ...(delivery === 'AT_LEAST_ONCE' && { delivery }),
  wait: true,
})

/** A document without variables: GraphiQL runs it as it is. Where params have names that GraphQL cannot write, variables follow. */
export function asGraphQL(execution: Execution): string {
  const input = inputOf(execution)
  if (!canWrite(input.params)) return `${MUTATION}\n\n# Variables:\n${asComment({ input })}\n`
  const fields = Object.entries(input).map(
    ([name, value]) => `    ${name}: ${name === 'delivery' ? value : literal(value)}`,
  )
  return MUTATION.replace('($input: SendCommandInput!)', '').replace('$input', `{\n${fields.join('\n')}\n  }`)
}

const asComment = (value: unknown): string => JSON.stringify(value, null, 2).replaceAll(/^/gm, '# ')

function canWrite(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true
  const names = Array.isArray(value) ? [] : Object.keys(value)
  return names.every((name) => /^[_A-Za-z]\w*$/.test(name)) && Object.values(value).every(canWrite)
}

/** As GraphQL writes a value. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{ ${Object.entries(value)
    .map(([name, one]) => `${name}: ${literal(one)}`)
    .join(', ')} }`
}

/** `isSignedIn`: the service wants to know who asks, and the shell has it in AUTHORIZATION ("Basic …" or "Bearer …"). */
export function asCurl(execution: Execution, origin: string, isSignedIn: boolean): string {
  const body = JSON.stringify({ query: MUTATION, variables: { input: inputOf(execution) } }, null, 2)
  return [
    `curl -s ${origin}/graphql -H 'content-type: application/json' \\`,
    ...(isSignedIn ? [`  -H "authorization: $AUTHORIZATION" \\`] : []),
    `  -d '${body.replaceAll("'", `'\\''`)}'`,
  ].join('\n')
}
