// The migrations in drizzle/ must make the tables of src/db/schema.ts: one more `generate` must find nothing to do.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

const copy = mkdtempSync(join(tmpdir(), 'fc-migrations-'))
try {
  cpSync('drizzle', copy, { recursive: true })
  const out = relative(process.cwd(), copy)
  const args = [
    'drizzle-kit',
    'generate',
    '--dialect=postgresql',
    '--schema=./src/db/schema.ts',
    `--out=${out}`,
    '--name=drift',
  ]
  execFileSync('npx', args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const drift = readdirSync(copy).filter((name) => name.endsWith('_drift.sql'))
  if (drift.length > 0) {
    console.error(
      'drizzle/ does not make the tables of src/db/schema.ts: run `npm run migrations` and commit what it writes.',
    )
    process.exitCode = 1
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
