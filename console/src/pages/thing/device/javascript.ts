/** A device for Node. Pure: no I/O. */
import { type DeviceFacts, executionsOf, SECRET_PLACEHOLDER, urlOf } from './endpoint.ts'

const quote = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`

export function javascriptCode({ thingId, clientId, endpoint, needsSecret }: DeviceFacts): string {
  const login = needsSecret
    ? `
  username: ${quote(thingId)},
  password: ${quote(SECRET_PLACEHOLDER)},`
    : ''
  const trust = endpoint.isTls
    ? `
  // For a certificate authority of your own: ca: (await import('node:fs')).readFileSync('ca.pem'),`
    : ''
  return `// npm install mqtt, then: node device.mjs
import mqtt from 'mqtt'

const executions = ${quote(executionsOf(thingId))}
const answers = new Map() // executionId → the answer; null while we act

// What this device does: it says that it did it, and gives back what it was asked with.
async function act({ action, params }) {
  console.log(action, params)
  return { status: 'SUCCEEDED', result: params }
}

const client = mqtt.connect(${quote(urlOf(endpoint))}, {
  clientId: ${quote(clientId)},
  clean: false,${login}${trust}
})
client.on('connect', () =>
  client.subscribe(\`\${executions}/+/request\`, { qos: 1 }, (error) => console.log(error ?? 'ready')),
)
client.on('error', (error) => console.error(error.message || error.code))
client.on('message', async (topic, payload) => {
  const executionId = topic.split('/').at(-2)
  try {
    const request = JSON.parse(payload.toString())
    if (Date.now() / 1000 >= request.timestamp + request.ttl) return console.log('expired', executionId)
    if (!answers.has(executionId)) {
      answers.set(executionId, null)
      if (answers.size > 1000) answers.delete(answers.keys().next().value)
      answers.set(executionId, await act(request).catch(() => ({ status: 'FAILED', reason: { code: 'DEVICE_ERROR' } })))
    }
    const answer = answers.get(executionId)
    if (answer) client.publish(\`\${executions}/\${executionId}/response\`, JSON.stringify(answer), { qos: 1 })
  } catch (error) {
    console.error('not a request:', error.message)
  }
})
`
}
