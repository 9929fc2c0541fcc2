/** Why an execution has its status, in words. Pure: no I/O. */
import type { Execution } from '../../data/use-execution.ts'
import { formatDuration, msBetween } from '../../ui/time.ts'

export function explain(execution: Execution): string {
  const { status, thingId, statusReason } = execution
  const after = settledAfter(execution)
  const because = statusReason ? `: ${statusReason.message ?? statusReason.code}` : ''
  switch (status) {
    case 'SENT':
      return `The request is on its way, or with ${thingId}. There is no answer yet.`
    case 'SUCCEEDED':
      return `${thingId} says that it did it${because}. It answered after ${after}.`
    case 'FAILED':
      return `${thingId} says that it tried and failed${because}. It answered after ${after}.`
    case 'REJECTED':
      return `${thingId} says that it will not do it${because}. It answered after ${after}.`
    case 'TIMED_OUT':
      return explainTimeout(execution)
    case 'CANCELED':
      return `A caller stopped waiting after ${after}. ${thingId} was not told, and may have acted all the same.`
  }
}

function explainTimeout({ thingId, ttl, statusReason, thingOnline }: Execution): string {
  const noAnswer = `No answer came within ${formatDuration(ttl * 1_000)}.`
  const notDone = 'That does not mean that it was not done.'
  if (statusReason?.code === 'NO_SUBSCRIBER')
    return `${noAnswer} Nobody was subscribed when the request was published: ${thingId} was not connected, or did not subscribe to its requests.`
  if (thingOnline === false) return `${noAnswer} ${thingId} was offline when it was sent. ${notDone}`
  return `${noAnswer} ${notDone}`
}

export const settledAfter = ({ createdAt, settledAt }: Execution): string =>
  settledAt ? formatDuration(msBetween(createdAt, settledAt)) : ''
