/** What callers, devices and subscribers wrote down, and what the database says afterwards. Instants are Unix time in milliseconds. */

export type ExecutionStatus = 'SENT' | 'SUCCEEDED' | 'FAILED' | 'REJECTED' | 'TIMED_OUT' | 'CANCELED'

export type Entry = { at: number } & (
  | { kind: 'acknowledged'; intent: string; executionId: string; status: ExecutionStatus; replica: number }
  /** A request that was under way and got no answer of HTTP. */
  | { kind: 'broken'; intent: string; replica: number; startedAt: number; problem: string }
  /** Every try failed until the intent was too old to be tried again. */
  | { kind: 'gave up'; intent: string; problem: string }
  /** A subscriber was told. */
  | { kind: 'told'; by: string; executionId: string; status: ExecutionStatus }
  /** A device got a request, whatever it did with it. */
  | { kind: 'received'; executionId: string; thingId: string }
  | { kind: 'acted'; executionId: string; intent: string; thingId: string }
  /** The broker has the device's answer (PUBACK). */
  | { kind: 'answered'; executionId: string; status: ExecutionStatus }
)

/** An execution in the database, after everything. */
export interface Row {
  id: string
  intent: string | null
  status: ExecutionStatus
  createdAt: number
  expiresAt: number
  settledAt: number | null
}

export type Part = 'service' | 'database' | 'link'

/** A time in which a part could not be used. `link`: between the service and its broker, the broker included. */
export interface Outage {
  part: Part
  from: number
  to: number
}

export interface Evidence {
  entries: readonly Entry[]
  rows: readonly Row[]
  outages: readonly Outage[]
  /** When the broker was killed: what Mosquitto had not written yet is gone. */
  brokerKills: readonly number[]
  /** When the rows were read. */
  readAt: number
}
