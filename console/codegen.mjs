// Types the operations in src/data/*.graphql against ../schema.graphql: `npm run console:types`.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { preset } from '@graphql-codegen/client-preset'
import { codegen } from '@graphql-codegen/core'
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
  writeFileSync(file.filename, await codegen(file))
}
