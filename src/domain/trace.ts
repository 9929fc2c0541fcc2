import { describeFailure } from './errors.ts'
import type { Span } from './ports.ts'

type Outcome = Parameters<Span['end']>[0]

/** Ends the span when the work is done, and gives what the work gives. Without a span it is the work, as it is. */
export function endWith<T>(
  span: Span | undefined,
  work: Promise<T>,
  outcomeOf: (done: T) => Outcome = () => ({}),
): Promise<T> {
  return span ? endAfter(span, work, outcomeOf) : work
}

async function endAfter<T>(span: Span, work: Promise<T>, outcomeOf: (done: T) => Outcome): Promise<T> {
  try {
    const done = await work
    span.end(outcomeOf(done))
    return done
  } catch (error) {
    span.end({ problem: describeFailure(error).code })
    throw error
  }
}
