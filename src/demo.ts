import type { App } from './app.ts'
import { deviceUrl, sendExample } from './banner.ts'
import { type Device, startDevice } from './device/device.ts'

const THERMOSTAT = {
  name: 'com.example.thermostat',
  description: 'A thermostat of the demo.',
  commands: [
    {
      name: 'setTemperature',
      description: 'Sets the target temperature in degrees Celsius.',
      paramsSchema: {
        type: 'object',
        properties: { value: { type: 'number', minimum: 5, maximum: 35 } },
        required: ['value'],
        additionalProperties: false,
      },
    },
    { name: 'reboot', description: 'Restarts the device.' },
  ],
}

/** The third one is registered and never started: a command to it times out. */
const THINGS = ['thermostat-001', 'thermostat-002', 'thermostat-003']

/** Fills a running service, through its API like any client: a type, three things, two of which answer. `key`: as `curl -u` takes it. */
export async function startDemo(app: App, key?: string): Promise<{ text: string; stop: () => Promise<void> }> {
  await mutate(
    { ...app, key },
    'mutation ($input: DefineThingTypeInput!) { outcome: defineThingType(input: $input) { errors { message } } }',
    THERMOSTAT,
  )
  const secrets = await Promise.all(THINGS.map((id) => registerThing({ ...app, key }, id)))
  const url = deviceUrl(app.broker)
  const [first, second] = secrets
  const devices: Device[] = [
    await startDevice({ thingId: 'thermostat-001', url, ...first, latencyMs: 200 }),
    await startDevice({ thingId: 'thermostat-002', url, ...second, latencyMs: 3_000, failRate: 0.2, rejectRate: 0.2 }),
  ]
  const stop = async () => {
    await Promise.all(devices.map((device) => device.stop()))
  }
  return { text: describeDemo({ ...app, key }), stop }
}

/** Where the service is, and what it is shown. */
interface Entry extends Pick<App, 'url'> {
  key: string | undefined
}

/** Where others than this machine reach the broker, with a secret: it lets nobody in without one. */
async function registerThing(at: Entry & Pick<App, 'broker'>, id: string): Promise<{ password?: string }> {
  const issueSecret = at.broker.kind === 'embedded' && at.broker.needsSecrets
  const { secret } = await mutate(
    at,
    'mutation ($input: RegisterThingInput!) { outcome: registerThing(input: $input) { secret errors { message } } }',
    { id, thingType: THERMOSTAT.name, tags: ['demo'], issueSecret },
  )
  return secret ? { password: secret } : {}
}

function describeDemo({ url, key }: Entry): string {
  return [
    '  Three things of com.example.thermostat (setTemperature with a value from 5 to 35, reboot):',
    '    thermostat-001  answers at once',
    '    thermostat-002  takes 3 seconds, and sometimes fails or rejects',
    '    thermostat-003  is offline: a command to it times out',
    '',
    '  Send a command:',
    '',
    sendExample(url, 'thermostat-001', key ? ` -u ${key}` : ''),
    '',
    '  Everything is thrown away when this ends (Ctrl-C).',
    '',
  ].join('\n')
}

interface MutationOutcome {
  errors: { message: string }[]
  secret?: string | null
}

async function mutate({ url, key }: Entry, query: string, input: unknown): Promise<MutationOutcome> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key && { authorization: `Basic ${Buffer.from(key).toString('base64')}` }),
    },
    body: JSON.stringify({ query, variables: { input } }),
  })
  const { data, errors } = (await response.json()) as {
    data?: { outcome: MutationOutcome } | null
    errors?: { message: string }[]
  }
  const [problem] = errors ?? data?.outcome.errors ?? []
  if (problem || !data) throw new Error(`the demo could not be set up: ${problem?.message ?? 'no answer'}`)
  return data.outcome
}
