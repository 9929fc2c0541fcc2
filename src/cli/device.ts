/** `fleet-commands device`: one reference device. */
import type { Command } from 'commander'
import { brokerUrl, milliseconds, pemFile, share, thingName } from './arguments.ts'
import { print } from './environment.ts'
import { onSignal } from './signals.ts'

export function addDeviceCommand(program: Command): void {
  program
    .command('device')
    .description('Run one reference device against a broker: it answers what its thing is sent.')
    .argument('<thingId>', 'the thing it is, such as thermostat-001', thingName)
    .option('--url <url>', 'the broker: mqtt, mqtts, ws or wss', brokerUrl, 'mqtt://127.0.0.1:1883')
    .option('--client-id <id>', 'the MQTT client id (default: the thing id)')
    .option('--username <name>', 'for the broker (default, with a password: the thing id)')
    .option('--password <password>', 'for the broker: the secret of the thing, if it has one')
    .option('--ca <file>', 'with mqtts or wss: the certificate of the CA that the broker must have (PEM)', pemFile)
    .option('--cert <file>', 'a certificate for a broker that asks for one (PEM)', pemFile)
    .option('--key <file>', 'its private key (PEM)', pemFile)
    .option('--latency <ms>', 'milliseconds from a request to its answer', milliseconds, 200)
    .option('--fail-rate <share>', 'the share of requests, from 0 to 1, that fail', share, 0)
    .option('--reject-rate <share>', 'the share of requests, from 0 to 1, that are rejected', share, 0)
    .action(runDevice)
}

interface DeviceFlags {
  url: string
  clientId?: string
  username?: string
  password?: string
  ca?: string
  cert?: string
  key?: string
  latency: number
  failRate: number
  rejectRate: number
}

async function runDevice(thingId: string, { latency, ...flags }: DeviceFlags): Promise<void> {
  const { formatDeviceEvent, startDevice } = await import('../device/device.ts')
  const stopping = new AbortController()
  const starting = startDevice({
    ...flags,
    thingId,
    latencyMs: latency,
    signal: stopping.signal,
    onEvent: (event) => print(formatDeviceEvent(event)),
  })
  onSignal(async () => {
    stopping.abort()
    // Stopped while it still looked for its broker, there is no device.
    const device = await starting.catch(() => undefined)
    await device?.stop()
  })
  await starting.catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error
  })
}
