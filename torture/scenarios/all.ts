import type { Scenario } from '../scenario.ts'
import { clockSkew } from './clock-skew.ts'
import { diskFull } from './disk-full.ts'
import { drain } from './drain.ts'
import { frozenReader } from './frozen-reader.ts'
import { killBroker } from './kill-broker.ts'
import { killEmbedded } from './kill-embedded.ts'
import { killReplica } from './kill-replica.ts'
import { late } from './late.ts'
import { network } from './network.ts'
import { restartDatabase } from './restart-database.ts'
import { retries } from './retries.ts'
import { soak } from './soak.ts'
import { waitingResponses } from './waiting-responses.ts'

/** In the order in which they are played. */
export const SCENARIOS: readonly Scenario[] = [
  killReplica,
  killBroker,
  restartDatabase,
  drain,
  late,
  retries,
  clockSkew,
  network,
  frozenReader,
  waitingResponses,
  killEmbedded,
  diskFull,
  soak,
]
