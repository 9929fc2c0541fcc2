import { type Answer, type CheckThread, type Job, startCheckThread } from './check-thread.ts'
import { type Asked, createCheckTurns, GAVE_UP, PASSED_OVER, type WaitingJob } from './check-turns.ts'
import { NotBegun, withPatience } from './patience.ts'

/** One thread, and the jobs that wait for it. */
export interface CheckLane {
  /**
   * Throws NotBegun where too many wait, or where its turn does not come within the patience of whoever came at `since`.
   */
  ask(job: Job, since: number): Promise<Asked>
  stop(): Promise<void>
}

export interface LaneLimits {
  /** For one job. Beyond it the thread is ended, and those that wait go on with another one. */
  jobMs: number
  waiting: number
  waitingOfOneSchema: number
}

/** The thread is started with the first job. Alone a job waits for nothing; what waits while a batch is with the thread is the next one. */
export function createCheckLane(limits: LaneLimits): CheckLane {
  const turns = createCheckTurns()
  let thread: CheckThread | undefined
  let isWorking = false
  let isStopped = false

  return {
    ask(job, since) {
      if (isStopped || turns.count() >= limits.waiting || turns.countOf(job.schema) >= limits.waitingOfOneSchema) {
        return Promise.reject(new NotBegun('too many checks of params wait'))
      }
      const answer = new Promise<Asked>((resolve, reject) => {
        turns.add({ job, since, resolve, reject })
      })
      if (!isWorking) void work()
      return withPatience(since, answer, () => new NotBegun('the turn of a check of params did not come'))
    },
    async stop() {
      isStopped = true
      rejectAll(turns.takeAll(), stopping())
      await thread?.end()
    },
  }

  async function work(): Promise<void> {
    isWorking = true
    try {
      while (turns.count() > 0) await askNext()
    } catch (error) {
      thread = undefined
      rejectAll(turns.takeAll(), error)
    } finally {
      isWorking = false
    }
  }

  async function askNext(): Promise<void> {
    thread ??= startCheckThread()
    await thread.ready
    const batch = turns.takeBatch()
    if (batch.length === 0) return
    const jobs = batch.map(({ job }) => job)
    const asked = await thread.ask(jobs, limits.jobMs)
    if ('stuckAt' in asked) await giveUp(batch, asked.stuckAt)
    else answerFirst(batch, asked.answers)
  }

  function answerFirst(batch: readonly WaitingJob[], answers: readonly Answer[]): void {
    for (const [index, answer] of answers.entries()) batch[index]?.resolve(answer)
    turns.putBack(batch.slice(answers.length))
  }

  async function giveUp(batch: readonly WaitingJob[], stuckAt: number): Promise<void> {
    if (isStopped) return rejectAll(batch, stopping())
    const stuck = batch[stuckAt]
    turns.putBack(batch.filter((one) => one !== stuck))
    stuck?.resolve(GAVE_UP)
    if (stuck) for (const { resolve } of turns.takeOf(stuck.job.schema)) resolve(PASSED_OVER)
    await thread?.end()
    thread = undefined
  }
}

const stopping = (): Error => new NotBegun('the service stops')

function rejectAll(jobs: readonly WaitingJob[], error: unknown): void {
  for (const { reject } of jobs) reject(error)
}
