/** A Thing Type while somebody writes it, and what it says to the service. Pure: no I/O. */
import { isObject, type JsonObject } from '../../send/schema.ts'
import { type DraftProblem, findMembersProblems } from './field-problems.ts'
import { emptyMembers, type Members, readMembers } from './fields.ts'
import { readJson } from './json-text.ts'
import { numberOf, writeMembers } from './write-fields.ts'

type DeliveryChoice = 'AT_MOST_ONCE' | 'AT_LEAST_ONCE'

/** As the service has it, and takes it. */
export interface CommandContent {
  name: string
  description?: string | null
  paramsSchema?: JsonObject | null
  resultSchema?: JsonObject | null
  defaultTtl?: number | null
  delivery?: DeliveryChoice | null
}

export interface TypeContent {
  name: string
  version: string
  description?: string | null
  commands: CommandContent[]
}

export interface TypeDraft {
  name: string
  version: string
  description: string
  commands: readonly CommandDraft[]
}

export interface CommandDraft {
  key: string
  name: string
  description: string
  /** As typed; empty: the default of all. */
  ttl: string
  delivery: DeliveryChoice | ''
  params: SchemaDraft
  result: SchemaDraft
}

export type SchemaView = 'none' | 'fields' | 'json'

/** The fields and the JSON say the same but for the one that is edited: they are brought in step when the view changes. */
export interface SchemaDraft {
  view: SchemaView
  /** undefined: the JSON says what fields cannot. */
  members: Members | undefined
  json: string
}

export const DEFAULT_TTL_SECONDS = 30
const MAX_TTL_SECONDS = 86_400
const DEFAULT_VERSION = '1.0.0'
const NAME = /^[A-Za-z0-9_.:-]{1,128}$/

let keys = 0
const nextKey = (): string => `command-${++keys}`

export const newDraft = (): TypeDraft => ({ name: '', version: DEFAULT_VERSION, description: '', commands: [] })

export const newCommand = (): CommandDraft => ({
  key: nextKey(),
  name: '',
  description: '',
  ttl: '',
  delivery: '',
  params: { view: 'fields', members: emptyMembers(), json: '' },
  result: draftSchema(undefined),
})

export const draftOf = ({ name, version, description, commands }: TypeContent): TypeDraft => ({
  name,
  version,
  description: description ?? '',
  commands: commands.map((command) => ({
    key: nextKey(),
    name: command.name,
    description: command.description ?? '',
    ttl: command.defaultTtl == null ? '' : String(command.defaultTtl),
    delivery: command.delivery ?? '',
    params: draftSchema(command.paramsSchema),
    result: draftSchema(command.resultSchema),
  })),
})

function draftSchema(schema: JsonObject | null | undefined): SchemaDraft {
  if (!schema) return { view: 'none', members: emptyMembers(), json: '' }
  const members = readMembers(schema)
  return { view: members ? 'fields' : 'json', members, json: textOf(schema) }
}

const textOf = (schema: JsonObject): string => JSON.stringify(schema, null, 2)

/** The schema that a draft says; undefined: none, or it cannot be read. */
export function schemaOf({ view, members, json }: SchemaDraft): JsonObject | undefined {
  if (view === 'none') return undefined
  if (view === 'fields') return members && writeMembers(members)
  const { value } = readJson(json)
  return isObject(value) ? value : undefined
}

export function turnSchema(draft: SchemaDraft, view: SchemaView): SchemaDraft {
  const schema = schemaOf(draft)
  if (!schema) return { ...draft, view }
  if (draft.view === 'fields') return { ...draft, view, json: textOf(schema) }
  return { ...draft, view, members: readMembers(schema) }
}

export const inputOf = ({ name, version, description, commands }: TypeDraft): TypeContent => ({
  name,
  version,
  description: description === '' ? null : description,
  commands: commands.map((command) => ({
    name: command.name,
    description: command.description === '' ? null : command.description,
    defaultTtl: numberOf(command.ttl) ?? null,
    delivery: command.delivery === '' ? null : command.delivery,
    paramsSchema: schemaOf(command.params) ?? null,
    resultSchema: schemaOf(command.result) ?? null,
  })),
})

export function findProblems({ name, version, commands }: TypeDraft): DraftProblem[] {
  const problems = commands.flatMap((command, n) => findCommandProblems(command, n, commands))
  if (name === '') problems.push({ at: 'name', message: 'Give it a name.', isMissing: true })
  else if (!NAME.test(name)) problems.push({ at: 'name', message: 'Expected 1 to 128 of A-Z, a-z, 0-9, _ . : and -.' })
  if (version === '') problems.push({ at: 'version', message: 'Give it a version.', isMissing: true })
  return problems
}

function findCommandProblems(command: CommandDraft, n: number, among: readonly CommandDraft[]): DraftProblem[] {
  const { key, name, ttl, params, result } = command
  const at = (field: string) => `commands.${n}.${field}`
  const isTwice = among.some((other) => other.key !== key && other.name === name)
  const problems: DraftProblem[] = []
  if (name === '') problems.push({ at: at('name'), message: 'Give it a name.', isMissing: true })
  else if (isTwice) problems.push({ at: at('name'), message: 'Another command has this name.' })
  if (!isTtl(ttl)) problems.push({ at: at('defaultTtl'), message: 'Expected a whole number from 1 to 86,400.' })
  return [
    ...problems,
    ...findSchemaProblems(params, at('paramsSchema')),
    ...findSchemaProblems(result, at('resultSchema')),
  ]
}

export function findSchemaProblems({ view, members, json }: SchemaDraft, at: string): DraftProblem[] {
  if (view === 'none') return []
  if (view === 'fields') return members ? findMembersProblems(members) : []
  if (json.trim() === '') return [{ at, message: 'Write a JSON Schema: { … }', isMissing: true }]
  const { value, fault } = readJson(json)
  if (fault) return [{ at, message: fault }]
  return isObject(value) ? [] : [{ at, message: 'Expected a JSON Schema: { … }' }]
}

function isTtl(ttl: string): boolean {
  if (ttl.trim() === '') return true
  const seconds = numberOf(ttl)
  return seconds !== undefined && Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_TTL_SECONDS
}

/** What a type says, without when it did. */
export const contentOf = ({ name, version, description, commands }: TypeContent): TypeContent => ({
  name,
  version,
  description: description ?? null,
  commands: commands.map((command) => ({
    name: command.name,
    description: command.description ?? null,
    defaultTtl: command.defaultTtl ?? null,
    delivery: command.delivery ?? null,
    paramsSchema: command.paramsSchema ?? null,
    resultSchema: command.resultSchema ?? null,
  })),
})

export const saysSame = (one: TypeContent, other: TypeContent): boolean => canonical(one) === canonical(other)

/** Whether the service would be told anything new. */
export function isChanged(draft: TypeDraft, before: TypeDraft): boolean {
  if (draft === before) return false
  return findProblems(draft).length > 0 || !saysSame(inputOf(draft), inputOf(before))
}

/** The order of names says nothing. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) =>
    isObject(one) ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1))) : one,
  )
