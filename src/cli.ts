#!/usr/bin/env node
/**
 * The command line: the only reader of arguments, environment and signals.
 * Each command loads its own parts: `--help` and a bad setting are answered before a second is spent on loading the others.
 */
import { writeFileSync } from 'node:fs'
import { Command } from 'commander'
import { ConfigError } from './base/config.ts'
import { addAccessCommands } from './cli/access.ts'
import { addDataCommands } from './cli/data.ts'
import { addDeviceCommand } from './cli/device.ts'
import { addKeysCommand } from './cli/keys.ts'
import { addServiceCommands } from './cli/serve.ts'
import { VERSION } from './version.ts'

const program = new Command('fleet-commands')
  .description('Real-time commands to connected devices: GraphQL and REST in front, any MQTT broker behind.')
  .version(VERSION, '-v, --version')
  .showHelpAfterError('(--help shows what there is)')

addServiceCommands(program)
addDeviceCommand(program)
addDataCommands(program)
addKeysCommand(program)
addAccessCommands(program)

program
  .command('schema')
  .description('Print the GraphQL schema.')
  .option('--out <file>', 'write it to a file instead')
  .action(async ({ out }: { out?: string }) => {
    const { printedSchema } = await import('./graphql/schema.ts')
    if (out) writeFileSync(out, printedSchema())
    else process.stdout.write(printedSchema())
  })

program.parseAsync().catch((error: unknown) => {
  process.stderr.write(`${explain(error)}\n`)
  process.exit(1)
})

function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (!(error instanceof Error)) return String(error)
  const { code, syscall, path } = error as NodeJS.ErrnoException
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `HOST: ${error.message}, expected an address of this machine`
  if (syscall === 'listen')
    return `PORT: ${error.message.replace(/^listen \w+: /, '')}, expected a free port that we may listen on (PORT=0 takes one)`
  if (syscall === 'mkdir' || path?.includes('fleet-commands.lock'))
    return `DATA_DIR: ${error.message}, expected a folder that we may write to`
  return code ? error.message : (error.stack ?? error.message)
}
