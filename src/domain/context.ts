import type { Logger } from '../base/log.ts'
import type { Metrics } from '../base/metrics.ts'
import type { Store } from '../db/connect.ts'
import type { Admission } from './admission.ts'
import type { Allowance } from './allowance.ts'
import type { Bell } from './bell.ts'
import type { Callers } from './callers.ts'
import type { FindExecution } from './executions.ts'
import type { GroupCommit } from './group-commit.ts'
import type { FindKeyed } from './idempotency.ts'
import type { Turns } from './in-turn.ts'
import type { Live } from './live.ts'
import type { Gateway, Tracing } from './ports.ts'
import type { Presence } from './presence.ts'
import type { SendLimits } from './rate-limit.ts'
import type { Refusals } from './refusals.ts'
import type { Registry } from './registry.ts'
import type { SchemaChecks } from './schema-checks.ts'
import type { Signal } from './signal.ts'
import type { StoreExecution } from './store-execution.ts'
import type { Thing } from './thing.ts'
import type { ThingNews } from './thing-news.ts'

/** What every function of the domain is given first. Made once, in app.ts. */
export interface Context {
  db: Store['db']
  /** For the hot statements. */
  run: Store['run']
  log: Logger
  metrics: Metrics
  gateway: Gateway
  live: Live
  presence: Presence
  thingNews: ThingNews
  refusals: Refusals
  /**
   * Names who hears responses: this process, by its MQTT clientId, which is fixed across restarts; or the group in which
   * the replicas share them, as each response is heard by one member.
   */
  replica: string
  /**
   * Milliseconds by which a change may become visible after its `updatedAt`, because its transaction took that long to
   * commit. Catching up reads that much further back. 0 on the embedded database, which commits one after the other.
   */
  commitLagMs: number
  registry: Registry
  storeExecution: StoreExecution
  findExecution: FindExecution
  /** What an idempotency key stands for. */
  findKeyed: FindKeyed
  /** Notes of executions, by their ids, that their request reached nobody. */
  markUnheard: GroupCommit<string, void>
  /** Rung where an execution was stored whose request may have to be published again. */
  publishAgain: Bell
  /** Who asks. */
  callers: Callers
  /** How many sends may be under way. */
  admission: Admission
  /** How many a second, of one caller and for one thing. */
  sendLimits: SendLimits
  /** How many subscriptions each caller may have open. */
  subscriptions: Allowance
  /** Asks schemas that are not plain, in threads. */
  schemaChecks: SchemaChecks
  /** Callers that wait for an execution are answered with what it is when the service stops. */
  stopping: Signal
  /** Sends under way, by idempotency key. */
  sending: Turns
  /** Executions settled by another replica whose response this one heard too: the next one is a repetition. Bounded. */
  heardSettlings: Set<string>
  /** Absent unless it is configured. */
  tracing?: Tracing | undefined
  /** Tells the embedded broker that who may do what has changed: with this thing, as it is or was. */
  onThingsChanged: (thing: Thing) => void
  /** Tells the embedded broker that this thing has another secret: who came with the one before has to go. */
  onSecretChanged: (thing: Thing) => void
}
