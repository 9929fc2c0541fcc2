// Types the operations in src/data/*.graphql against ../schema.graphql, and lists them for PERSISTED_OPERATIONS: `npm run console:types`.
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { preset } from '@graphql-codegen/client-preset'
import { codegen } from '@graphql-codegen/core'
import { stringifyDocument } from '@urql/core'
import { parse } from 'graphql'

const here = dirname(fileURLToPath(import.meta.url))
const text = (file) => readFileSync(file, 'utf8')
const operations = join(here, 'src/data')
const documents = readdirSync(operations)
  .filter((name) => name.endsWith('.graphql'))
  .sort()
  .map((name) => ({ location: name, rawSDL: text(join(operations, name)) }))
  .map((source) => ({ ...source, document: parse(source.rawSDL) }))

const files = await preset.buildGeneratesSection({
  baseOutputDir: `${join(here, 'src/generated')}/`,
  schema: parse(text(join(here, '../schema.graphql'))),
  documents,
  config: {
    useTypeImports: true,
    enumsAsTypes: true,
    strictScalars: true,
    scalars: { DateTime: 'string', JSON: 'unknown', JSONObject: 'Record<string, unknown>' },
  },
  presetConfig: { fragmentMasking: false },
  plugins: [],
  pluginMap: {},
})
rmSync(join(here, 'src/generated'), { recursive: true, force: true })
// The documents themselves are all that is imported: not the map that finds one by its text.
for (const file of files.filter(({ filename }) => filename.endsWith('/graphql.ts'))) {
  mkdirSync(dirname(file.filename), { recursive: true })
  const code = await codegen(file)
  writeFileSync(file.filename, code)
  writeFileSync(
    join(here, 'public/operations.json'),
    `${JSON.stringify(Object.fromEntries(sentTexts(code)), null, 2)}\n`,
  )
}

/** Each operation as urql sends it, by its hash. */
function sentTexts(code) {
  const printed = Array.from(code.matchAll(/^export const \w+Document = (\{.*\}) as unknown as /gm), ([, json]) =>
    stringifyDocument(JSON.parse(json)),
  )
  return printed.map((text) => [createHash('sha256').update(text).digest('hex'), text])
}
