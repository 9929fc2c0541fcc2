import type { App } from './app.ts'
import type { EmbeddedBroker } from './app-broker.ts'

/** What the start-up prints: where everything is, and what to type next. */
export function banner({ url, hasGraphiql, database, broker, isOpen }: App, dataDir: string): string {
  const mqtt = broker.kind === 'embedded' ? `mqtt://${broker.host}:${broker.port}` : broker.url
  const lines = [
    '',
    '  Fleet Commands is running.',
    '',
    `  Console     ${url}/          (send, see and follow commands in the browser)`,
    `  GraphQL     ${url}/graphql   (HTTP, WebSocket, SSE${hasGraphiql ? '; GraphiQL in a browser' : ''})`,
    ...(hasGraphiql
      ? []
      : ['              GraphiQL and introspection are off (GRAPHIQL=on; off by default where others can reach it)']),
    `  REST        ${url}/api/v1/commands   (described by /api/v1/openapi.json)`,
    `  MQTT        ${mqtt}${broker.kind === 'embedded' ? `   (WebSocket: ${url.replace('http', 'ws')}/mqtt)` : ''}`,
    ...(broker.kind === 'embedded' ? doorNotes(broker) : []),
    ...(database === 'embedded'
      ? [`  Data        ${dataDir}   (embedded database, one process; DATABASE_URL points to a Postgres)`]
      : []),
    ...embeddedNote(database, broker),
    isOpen()
      ? '  Access      anybody on this machine may do anything (until the first key: fleet-commands keys create)'
      : '  Access      with an API key or a token (fleet-commands keys --help)',
    '',
  ]
  return lines.join('\n')
}

/** What the embedded pair does not give, and the way out. */
function embeddedNote(database: App['database'], broker: App['broker']): string[] {
  const lacks = [
    ...(database === 'embedded'
      ? ['The database survives a killed process, not a power loss; one process, no replicas.']
      : []),
    ...(broker.kind === 'embedded'
      ? ['The broker: MQTT 3.1.1, no message expiry, sessions in memory only, no cluster.']
      : []),
  ]
  if (database === 'embedded')
    lacks.push('To Postgres: fleet-commands export --out all.ndjson, then import (see README).')
  return lacks.map((line) => `              ${line}`)
}

function doorNotes({ host, port, portWanted, tls, needsSecrets }: EmbeddedBroker): string[] {
  const notes = [
    ...portNote(port, portWanted, 'the embedded broker'),
    ...(tls ? [`mqtts://${host}:${tls.port}`, ...portNote(tls.port, tls.portWanted, 'its door with TLS')] : []),
    ...(needsSecrets
      ? ['Devices need the secret of their thing (registerThing with issueSecret, or rotateThingSecret).']
      : []),
  ]
  return notes.map((line) => `              ${line}`)
}

function portNote(port: number, wanted: number, what: string): string[] {
  if (wanted === 0 || port === wanted) return []
  return [`Port ${wanted} is taken, so ${what} listens on ${port}: devices need --url.`]
}

/** The next command to type, after a plain start. */
export function nextSteps({ url, broker, isOpen }: App): string {
  const key = isOpen() ? '' : ' -u $KEY:$SECRET'
  const needsSecret = broker.kind === 'embedded' && broker.needsSecrets
  const [input, fields] = needsSecret ? [', issueSecret: true', 'secret'] : ['', 'thing { id }']
  const option = broker.kind === 'embedded' && broker.port === 1883 ? '' : ` --url ${deviceUrl(broker)}`
  return [
    '  Next: register a thing and start a device that answers.',
    '',
    `    curl -s${key} ${url}/graphql -H 'content-type: application/json' \\`,
    `      -d '{"query":"mutation { registerThing(input: { id: \\"thermostat-001\\"${input} }) { ${fields} errors { message } } }"}'`,
    `    npm run device -- thermostat-001${option}${needsSecret ? ' --password <the secret>' : ''}`,
    '',
    '  Then send a command:',
    '',
    sendExample(url, 'thermostat-001', key),
    '',
  ].join('\n')
}

export const deviceUrl = (broker: App['broker']): string =>
  broker.kind === 'embedded' ? `mqtt://${broker.host}:${broker.port}` : broker.url

/** A command to paste into a terminal. */
export function sendExample(url: string, thingId: string, key = ''): string {
  const mutation = `mutation { sendCommand(input: { thingId: \\"${thingId}\\", action: \\"setTemperature\\", params: { value: 24 }, wait: true }) { execution { id status result } errors { code message path } } }`
  return `    curl -s${key} ${url}/graphql -H 'content-type: application/json' \\\n      -d '{"query":"${mutation}"}'`
}
