/** The command line on a Postgres that cannot be used. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { onServices } from './support/backend.ts'
import { runCli } from './support/cli.ts'

const cwd = mkdtempSync(join(tmpdir(), 'fc-cli-postgres-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

if (!onServices) console.warn('DATABASE_URL and MQTT_URL are not set: a DATABASE_URL of no database was NOT tried')

it.runIf(onServices).each(['serve', 'migrate'])(
  '%s says in one line that DATABASE_URL names a database that is not there',
  async (command) => {
    const url = new URL(process.env['DATABASE_URL'] ?? '')
    url.pathname = '/fc_no_such_database'
    const env = { PORT: '0', MQTT_PORT: '0', LOG_LEVEL: 'warn', DATABASE_URL: url.href }
    const { code, stdout, stderr } = await runCli([command], { cwd, env })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^DATABASE_URL: .*fc_no_such_database.*does not exist.*expected.*\n$/)
  },
)
