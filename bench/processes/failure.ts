/** Something that whoever runs the bench can mend. Its message is the one line they see. */
const KIND = 'bench-failure'

export function failure(message: string): Error {
  return Object.assign(new Error(message), { name: KIND })
}

export const isFailure = (error: unknown): error is Error => error instanceof Error && error.name === KIND
