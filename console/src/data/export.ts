/** Everything that a filter finds, page by page, as a file. */
import { type ExecutionFilter, ExportPageDocument, type ExportPageQuery } from '../generated/graphql.ts'
import { describeProblem } from './problem.ts'
import type { Service } from './service.ts'

export type Format = 'csv' | 'json'
type Page = ExportPageQuery['executions']
type Exported = Page['nodes'][number]

export interface ExportRequest {
  filter: ExecutionFilter
  format: Format
  /** Told after each page. */
  onProgress: (count: number) => void
  signal: AbortSignal
}

/** Resolves with the file; undefined where it was stopped. Rejects with what to tell where a page cannot be had. */
export async function exportExecutions(
  service: Service,
  { filter, format, onProgress, signal }: ExportRequest,
): Promise<Blob | undefined> {
  // Pieces, and no string of everything: browsers keep them where there is room.
  const pieces: Blob[] = [new Blob([format === 'csv' ? `${COLUMNS.join(',')}\r\n` : '['])]
  let after: string | null = null
  let count = 0
  do {
    const { nodes, pageInfo }: Page = await readPage(service, filter, after)
    if (signal.aborted) return undefined
    if (nodes.length > 0) pieces.push(new Blob([format === 'csv' ? asCsv(nodes) : asJson(nodes, count === 0)]))
    count += nodes.length
    onProgress(count)
    after = pageInfo.hasNextPage ? pageInfo.endCursor : null
  } while (after)
  if (format === 'json') pieces.push(new Blob(['\n]\n']))
  return new Blob(pieces, { type: format === 'csv' ? 'text/csv' : 'application/json' })
}

async function readPage({ client }: Service, filter: ExecutionFilter, after: string | null): Promise<Page> {
  const { data, error } = await client.query(ExportPageDocument, { filter, after }).toPromise()
  if (!data) throw new Error(error ? describeProblem(error) : 'There was no answer.')
  return data.executions
}

const COLUMNS = [
  'executionId',
  'commandId',
  'thingId',
  'thingType',
  'thingTypeVersion',
  'action',
  'params',
  'status',
  'statusReasonCode',
  'statusReasonMessage',
  'result',
  'createdAt',
  'expiresAt',
  'settledAt',
  'updatedAt',
  'ttl',
  'delivery',
  'publishCount',
  'requestedBy',
  'ignoredResponseCount',
] as const

function asRecord({ id, statusReason, ...rest }: Exported): Record<string, unknown> {
  return {
    executionId: id,
    ...rest,
    statusReasonCode: statusReason?.code ?? null,
    statusReasonMessage: statusReason?.message ?? null,
  }
}

const asJson = (nodes: readonly Exported[], isFirst: boolean): string =>
  nodes
    .map(({ id, ...rest }, n) => `${isFirst && n === 0 ? '\n' : ',\n'}${JSON.stringify({ executionId: id, ...rest })}`)
    .join('')

const asCsv = (nodes: readonly Exported[]): string =>
  nodes.map((node) => `${COLUMNS.map((column) => asCell(asRecord(node)[column])).join(',')}\r\n`).join('')

function asCell(value: unknown): string {
  if (value == null) return ''
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  // What begins like a formula would be one in a spreadsheet, and a device wrote it.
  const safe = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

export function download(file: Blob, name: string): void {
  const url = URL.createObjectURL(file)
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
