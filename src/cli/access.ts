/** What a broker needs to know of who may do what: `acl` and `mosquitto-passwords`. */
import type { Command } from 'commander'
import type { AclBroker } from '../mqtt/acl.ts'
import type { PasswordsOptions } from '../transfer/mosquitto-passwords.ts'
import { aclBroker, serviceUser } from './arguments.ts'
import { readEnvironment } from './environment.ts'

export function addAccessCommands(program: Command): void {
  program
    .command('acl')
    .description('Print the access list for a broker: what this service needs, and what each thing may do.')
    .argument('<broker>', 'emqx or mosquitto', aclBroker)
    .option('--service-user <name...>', 'the user names that the service signs in with', serviceUser)
    .action(async (broker: AclBroker, { serviceUser = ['fleet-commands'] }: { serviceUser?: string[] }) => {
      const { formatAcl } = await import('../mqtt/acl.ts')
      process.stdout.write(formatAcl(broker, serviceUser))
    })

  program
    .command('mosquitto-passwords')
    .description(
      'Write the password file for Mosquitto: every thing that has a secret. The embedded database: while the service is stopped.',
    )
    .option('--out <file>', 'where to, readable for nobody else (- is standard output)', '-')
    .option(
      '--include <file>',
      'a password file with the users that are no things, such as this service; they come first',
    )
    .action(async (options: PasswordsOptions) => {
      const { writeMosquittoPasswords } = await import('../transfer/mosquitto-passwords.ts')
      await writeMosquittoPasswords(readEnvironment(), options)
    })
}
