import { ERROR_CODES, type ErrorCode, type Outcome, type UserError } from '../domain/errors.ts'
import { builder } from './builder.ts'

const codes = Object.entries(ERROR_CODES).map(([code, description]) => [code, { description }] as const)

const ErrorCodeType = builder.enumType('ErrorCode', {
  description: 'Why a mutation did not do what was asked.',
  values: Object.fromEntries(codes) as Record<ErrorCode, { description: string }>,
})

export const UserErrorType = builder.objectRef<UserError>('UserError').implement({
  description: 'An expected failure of a mutation: one for each thing that is wrong with the input.',
  fields: (t) => ({
    code: t.expose('code', { type: ErrorCodeType, description: 'For programs.' }),
    message: t.exposeString('message', { description: 'For people: what is wrong, and what was expected.' }),
    path: t.exposeStringList('path', {
      description: 'Where in the input: ["params", "value"]. Empty where it is not about the input.',
    }),
    executionId: t.id({
      nullable: true,
      description: 'The execution that was recorded all the same (DELIVERY_UNCONFIRMED); else null.',
      resolve: ({ executionId }) => executionId ?? null,
    }),
    retryAfterMs: t.int({
      nullable: true,
      description: 'Milliseconds after which it is worth trying again (RATE_LIMITED); else null.',
      resolve: ({ retryAfterMs }) => retryAfterMs ?? null,
    }),
  }),
})

/** A payload's parts: the object or null, and the errors. */
export const payloadOf = <T>(outcome: Outcome<T>): { value: T | null; errors: UserError[] } =>
  outcome.ok ? { value: outcome.value, errors: [] } : { value: null, errors: outcome.errors }

export const ERRORS_DESCRIPTION = 'What went wrong; empty where all went well.'
