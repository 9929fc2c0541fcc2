/** What is done with the database while no service needs to run: `migrate`, `export` and `import`. */
import type { Command } from 'commander'
import { ConfigError } from '../base/config.ts'
import type { ExportOptions } from '../transfer/export.ts'
import { print, readEnvironment } from './environment.ts'

export function addDataCommands(program: Command): void {
  program
    .command('migrate')
    .description('Bring the Postgres at DATABASE_URL to the current schema, and end. `serve` does it by itself.')
    .action(async () => {
      const { databaseUrl } = readEnvironment()
      if (!databaseUrl) throw new ConfigError('DATABASE_URL: got nothing, expected the URL of the Postgres to migrate')
      const { migrateDatabase } = await import('../db/connect.ts')
      await migrateDatabase(databaseUrl)
      print('The database has the current schema.')
    })

  program
    .command('export')
    .description(
      'Write all things, types and executions to a file. The embedded database: while the service is stopped.',
    )
    .option('--out <file>', 'where to (.gz: compressed; - is standard output)', '-')
    .option('--continue', 'go on with the file that an interrupted export left')
    .action(async (options: ExportOptions) => {
      const { runExport } = await import('../transfer/export.ts')
      await runExport(readEnvironment(), options)
    })

  program
    .command('import')
    .description(
      'Read the file of an export into the database. What is there already stays: interrupted, run it again.',
    )
    .argument('<file>', 'the file of an export (.gz: compressed; - is standard input)')
    .action(async (file: string) => {
      const config = readEnvironment()
      const [{ runImport }, { partitionWidth }] = await Promise.all([
        import('../transfer/import.ts'),
        import('../domain/upkeep.ts'),
      ])
      await runImport(config, file, partitionWidth(config.retentionDays))
    })
}
