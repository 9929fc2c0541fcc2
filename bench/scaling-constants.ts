/**
 * What the simulation is calibrated with, in microseconds, and where each was measured: 24 November 2026, a virtual machine with
 * two cores of an Intel Xeon, Node 20, PostgreSQL 15.20, Mosquitto 2.0.11, all on it, while other work took about one core.
 */

/** A process with one thread: `turn` is what it costs to be woken, `item` what a command costs on top of it, all in all. */
export interface ProcessCosts {
  turn: number
  item: number
}

/** A statement for a batch: `waitMicros` is for the disk and the way there and back, and occupies no core. */
export interface StatementCosts {
  cpu: number
  cpuPerRow: number
  waitMicros: number
}

export interface Calibration {
  service: ProcessCosts
  load: ProcessCosts
  broker: ProcessCosts
  devices: ProcessCosts
  /** Until a process that has been given something runs. */
  wakeMicros: number
  store: StatementCosts
  settle: StatementCosts
  /** What a replica costs that hears a response that is none of its own. */
  hearing: { service: number; broker: number; statements: StatementCosts }
}

/** Fitted to one replica at 1, 16 and 256 in flight, and to one that only hears; everything else the simulation predicts. */
export const SERVICE: Calibration = {
  // CPU for each command at 1 in flight, where each step is a turn of its own, and at 256: 1,340 and 123.
  service: { turn: 300, item: 114 },
  // 276 and 21.
  load: { turn: 260, item: 16 },
  // 126 and 24.
  broker: { turn: 52, item: 21 },
  // 150 and 15.
  devices: { turn: 137, item: 13 },
  wakeMicros: 10,
  // Rows: `--only statements`, batches of 1 and 100. Statements: fitted to 144 for each command at 16 in flight. A connection that
  // is woken for each statement takes more than one in a loop (STATEMENTS).
  store: { cpu: 270, cpuPerRow: 18, waitMicros: 60 },
  settle: { cpu: 270, cpuPerRow: 13, waitMicros: 60 },
  // One replica had the load, another one a subscriber or none: at 1, 16, 64 and 256 in flight Postgres spent 670, 105, 35 and 19
  // more for each command, the broker 5 more at 256, and the replica that heard spent 970, 147, 68 and 42; with a subscriber
  // that hears all updates 68 instead of 42, which is what is given here.
  hearing: { service: 55, broker: 5, statements: { cpu: 400, cpuPerRow: 12, waitMicros: 200 } },
}

/** The same two statements in a loop, nobody else asking: fitted to batches of 1 and of 100. */
export const STATEMENTS = {
  store: { cpu: 210, cpuPerRow: 17.6, waitMicros: 60 },
  settle: { cpu: 190, cpuPerRow: 12.9, waitMicros: 40 },
  // The process that asks: it makes and reads the JSON.
  asking: { turn: 0, perStatement: 190, perRow: 6.5 },
}
