/**
 * A machine in a simulation: cores that are shared alike by whoever has something to do. Times are in microseconds.
 * A worker is a process with one thread: what waits for it is done in one turn, as an event loop does it, so a rush is cheaper
 * for each than a trickle.
 */
export interface Machine {
  /** `joins`: what comes of a turn leaves at its end, all in one write; otherwise each as soon as it is done. */
  worker(name: string, turnCost: number, joins: boolean): Worker
  /** Waiting that costs nobody a core: a disk, a wake-up. */
  after(wait: number, then: () => void): void
  now(): number
  run(until: number): void
  /** CPU so far by the names of the workers. */
  spent(): Record<string, number>
}

/** Gives a worker something that costs so much; `then` is called at the end of the turn. */
export type Worker = (cost: number, then: () => void) => void

interface Job {
  cost: number
  then: () => void
}

interface WorkerState {
  name: string
  turnCost: number
  joins: boolean
  waiting: Job[]
  /** The jobs of this turn, and the CPU that they still need. */
  turn: { jobs: Job[]; left: number } | undefined
  /** Woken, and not yet running: what arrives at the same instant is read together. */
  woken: boolean
  spent: number
}

interface Timer {
  at: number
  then: () => void
}

/** Below it a turn is over: sums of floating point never meet exactly. */
const NOTHING = 1e-6

export function createMachine(cores: number): Machine {
  const workers: WorkerState[] = []
  const timers: Timer[] = []
  let now = 0
  return { worker, after, now: () => now, run, spent }

  function worker(name: string, turnCost: number, joins: boolean): Worker {
    const state: WorkerState = { name, turnCost, joins, waiting: [], turn: undefined, woken: false, spent: 0 }
    workers.push(state)
    return (cost, then) => {
      state.waiting.push({ cost, then })
      if (state.turn || state.woken) return
      state.woken = true
      after(0, () => {
        state.woken = false
        beginTurn(state, true)
      })
    }
  }

  function after(wait: number, then: () => void): void {
    const at = now + wait
    let place = timers.length
    while (place > 0 && (timers[place - 1]?.at ?? 0) > at) place -= 1
    timers.splice(place, 0, { at, then })
  }

  function run(until: number): void {
    while (now < until) {
      const busy = workers.filter(({ turn }) => turn)
      const speed = Math.min(1, cores / Math.max(1, busy.length))
      const shortest = Math.min(...busy.map(({ turn }) => turn?.left ?? 0)) / speed
      const step = Math.min(shortest, (timers[0]?.at ?? until) - now, until - now)
      now += step
      for (const state of busy) progress(state, step * speed)
      while (timers[0] && timers[0].at <= now + NOTHING) timers.shift()?.then()
    }
  }

  function spent(): Record<string, number> {
    const sums: Record<string, number> = {}
    for (const state of workers) sums[state.name] = (sums[state.name] ?? 0) + state.spent
    return sums
  }
}

/** A process that has more to do without having slept is spared the waking, unless it works in turns. */
function beginTurn(state: WorkerState, wasAsleep: boolean): void {
  const jobs = state.joins ? state.waiting.splice(0) : state.waiting.splice(0, 1)
  const waking = wasAsleep || state.joins ? state.turnCost : 0
  state.turn = jobs.length === 0 ? undefined : { jobs, left: jobs.reduce((sum, { cost }) => sum + cost, waking) }
}

function progress(state: WorkerState, done: number): void {
  const { turn } = state
  if (!turn) return
  turn.left -= done
  state.spent += done
  if (turn.left > NOTHING) return
  // Still busy: what these jobs cause for this very worker is its next turn.
  for (const { then } of turn.jobs) then()
  beginTurn(state, false)
}
