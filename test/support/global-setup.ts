import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { openEmbedded } from '../../src/db/connect.ts'
import { buildWhereOld } from './build.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A data folder with an empty database in it: a copy starts in half a second, a new one takes several. */
    templateDataDir: string
  }
}

/** Builds what the tests start as processes, and an empty embedded database to copy. */
export default async function setup(project: TestProject): Promise<() => void> {
  buildWhereOld()
  const template = mkdtempSync(join(tmpdir(), 'fc-template-'))
  const store = await openEmbedded(template)
  await store.close()
  project.provide('templateDataDir', template)
  return () => rmSync(template, { recursive: true, force: true })
}
