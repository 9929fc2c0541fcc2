/** Reads every execution: in SQL, or where the database is inside the service, through its API. */
import postgres from 'postgres'
import type { ExecutionStatus, Row } from '../check/records.ts'

interface Stored {
  id: string
  intent: string | null
  status: ExecutionStatus
  createdAt: Date
  expiresAt: Date
  settledAt: Date | null
}

export async function readRows(databaseUrl: string): Promise<Row[]> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {}, connect_timeout: 5 })
  try {
    const rows = await sql<Stored[]>`
      select id, key as intent, status, executions.created_at as "createdAt", expires_at as "expiresAt", settled_at as "settledAt"
      from executions left join idempotency_keys on execution_id = id`
    return rows.map(toRow)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

interface Page {
  items: (Omit<Stored, 'id' | 'createdAt' | 'expiresAt' | 'settledAt'> & {
    executionId: string
    params: { intent?: string }
    createdAt: string
    expiresAt: string
    settledAt: string | null
  })[]
  pageInfo: { hasNextPage: boolean; endCursor: string | null }
}

/** The key is not in the API; our callers put it into the params as well. */
export async function readRowsFromApi(url: string): Promise<Row[]> {
  const rows: Row[] = []
  let after = ''
  for (;;) {
    const response = await fetch(`${url}/api/v1/commands?first=100${after}`)
    const { items, pageInfo } = (await response.json()) as Page
    for (const { executionId, params, status, createdAt, expiresAt, settledAt } of items)
      rows.push(
        toRow({
          id: executionId,
          intent: params.intent ?? null,
          status,
          createdAt: new Date(createdAt),
          expiresAt: new Date(expiresAt),
          settledAt: settledAt === null ? null : new Date(settledAt),
        }),
      )
    if (!pageInfo.hasNextPage || !pageInfo.endCursor) return rows
    after = `&after=${encodeURIComponent(pageInfo.endCursor)}`
  }
}

const toRow = ({ id, intent, status, createdAt, expiresAt, settledAt }: Stored): Row => ({
  id,
  intent,
  status,
  createdAt: createdAt.getTime(),
  expiresAt: expiresAt.getTime(),
  settledAt: settledAt?.getTime() ?? null,
})
