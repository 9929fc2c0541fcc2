/** A device in a process of its own, to be frozen: `device-process.ts BROKER THING LOG`. It ends with its parent. */
import { appendFileSync } from 'node:fs'
import { startDevices } from './devices.ts'

const [mqttUrl = '', thing = '', file = ''] = process.argv.slice(2)
// Each line at once: it may be killed at any time.
await startDevices({ things: [thing], mqttUrl, write: (entry) => appendFileSync(file, `${JSON.stringify(entry)}\n`) })
process.on('disconnect', () => process.exit())
process.send?.('ready')
