/** Keeps a number of commands in flight: as soon as one is done, the next one is sent. */
import { type Quantiles, quantilesOf } from '../measure/quantiles.ts'

/** What came of a measuring window. Times are in milliseconds from the moment of sending. */
export interface Tally {
  seconds: number
  completed: number
  failed: number
  firstFailure: string | undefined
  answered: Quantiles
  settled: Quantiles
}

/** One command on its way. Both times are told to the loop; with the second it is over. */
export interface Flight {
  answered(): void
  /** `at`, on the clock of performance.now(): where it was seen before now. */
  settled(at?: number): void
  failed(why: string): void
}

export interface Loop {
  /** Sends until `stop`. */
  start(inFlight: number): void
  /** The measuring window begins. */
  begin(): void
  end(): Tally
  /** Sends nothing more; resolves when nothing is on its way, or nobody can wait for it any longer. */
  stop(): Promise<void>
}

const FAILURE_PAUSE_MS = 20
const DRAIN_DEADLINE_MS = 5_000
const DRAIN_LOOK_MS = 5

export function createLoop(send: (flight: Flight) => void): Loop {
  const answers: number[] = []
  const settlings: number[] = []
  let running = false
  let counting = false
  let beganAt = 0
  let flying = 0
  let failed = 0
  let firstFailure: string | undefined

  return {
    start(inFlight) {
      running = true
      for (let i = 0; i < inFlight; i++) launch()
    },
    begin() {
      answers.length = 0
      settlings.length = 0
      failed = 0
      firstFailure = undefined
      counting = true
      beganAt = performance.now()
    },
    end() {
      counting = false
      const seconds = (performance.now() - beganAt) / 1000
      const times = { answered: quantilesOf(answers), settled: quantilesOf(settlings) }
      return { seconds, completed: settlings.length, failed, firstFailure, ...times }
    },
    async stop() {
      running = false
      const deadline = performance.now() + DRAIN_DEADLINE_MS
      while (flying > 0 && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, DRAIN_LOOK_MS))
      flying = 0
    },
  }

  function launch(): void {
    flying += 1
    const sentAt = performance.now()
    send({
      answered() {
        if (counting) answers.push(performance.now() - sentAt)
      },
      settled(at = performance.now()) {
        if (counting) settlings.push(at - sentAt)
        land()
      },
      failed(why) {
        failed += 1
        firstFailure ??= why
        // A service that refuses everything must not be asked in a busy loop.
        setTimeout(land, FAILURE_PAUSE_MS)
      },
    })
  }

  function land(): void {
    flying -= 1
    if (running) launch()
  }
}
