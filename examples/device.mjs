// npm install mqtt && node device.mjs thermostat-001 mqtt://127.0.0.1:1883
import mqtt from 'mqtt'

const [thing = 'thermostat-001', url = 'mqtt://127.0.0.1:1883'] = process.argv.slice(2)
const executions = `$emqx/commands/things/${thing}/executions`
const answers = new Map() // executionId → the answer; null while we act

async function act({ action, params }) {
  if (action === 'setTemperature') return { status: 'SUCCEEDED', result: { currentTemperature: params.value } }
  return { status: 'REJECTED', reason: { code: 'ACTION_UNKNOWN', message: 'this device only knows setTemperature' } }
}

const client = mqtt.connect(url, { clientId: thing, clean: false })
client.on('connect', () =>
  client.subscribe(`${executions}/+/request`, { qos: 1 }, (error) => console.log(error ?? 'ready')),
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
    if (answer) client.publish(`${executions}/${executionId}/response`, JSON.stringify(answer), { qos: 1 })
  } catch (error) {
    console.error('not a request:', error.message)
  }
})
