/** What the tests start as processes and open in a browser, built where it is older than its source. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = ['src', 'console', 'package-lock.json', 'tsconfig.json', 'tsconfig.build.json']
/** Its time is that of the beginning of the last build: what is saved during a build is newer. */
const STAMP = join(ROOT, 'dist/.built')

export function buildWhereOld(): void {
  const builtAt = statSync(STAMP, { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (Math.max(...SOURCES.map((name) => latestChange(join(ROOT, name)))) < builtAt) return
  const startedAt = new Date()
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] })
  mkdirSync(dirname(STAMP), { recursive: true })
  writeFileSync(STAMP, '')
  utimesSync(STAMP, startedAt, startedAt)
}

/** Of a file, or of a folder and all that is in it: what was removed changes its folder. */
function latestChange(path: string): number {
  const stat = statSync(path)
  if (!stat.isDirectory()) return stat.mtimeMs
  const within = readdirSync(path, { withFileTypes: true, recursive: true })
  return Math.max(stat.mtimeMs, ...within.map(({ parentPath, name }) => statSync(join(parentPath, name)).mtimeMs))
}
