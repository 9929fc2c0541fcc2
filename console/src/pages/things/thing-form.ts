/** What a form of a thing holds, and what is wrong with it. Pure: no I/O. */

export interface ThingDraft {
  id: string
  /** Empty: none. */
  thingType: string
  tags: string[]
  /** Empty: as the id. */
  clientId: string
}

export type ThingField = keyof ThingDraft

/** What the service refuses, and where. */
export interface Refusal {
  message: string
  path: readonly string[]
}

const FIELDS: readonly string[] = ['id', 'thingType', 'tags', 'clientId'] satisfies ThingField[]
const ID = /^[A-Za-z0-9_.:-]{1,128}$/

export const ID_RULE = '1 to 128 characters of A-Z, a-z, 0-9, _ . : and -'

/** `isAttempted`: what is missing is told only then. */
export function findIdProblems(id: string, isAttempted: boolean): string[] {
  if (id === '') return isAttempted ? ['This is required.'] : []
  return ID.test(id) ? [] : [`Expected ${ID_RULE}.`]
}

export const refusalsAt = (refusals: readonly Refusal[], field: ThingField): string[] =>
  refusals.filter(({ path }) => path[0] === field).map(({ message }) => message)

/** What no field is to blame for. */
export const otherRefusals = (refusals: readonly Refusal[]): string[] =>
  refusals.filter(({ path: [field = ''] }) => !FIELDS.includes(field)).map(({ message }) => message)

/** What an edit changes: the rest stays as it is, whoever changes it meanwhile. */
export function changesOf(before: ThingDraft, after: ThingDraft) {
  return {
    ...(after.thingType !== before.thingType && { thingType: after.thingType || null }),
    ...(after.tags.join('\n') !== before.tags.join('\n') && { tags: after.tags }),
    ...(after.clientId !== before.clientId && { clientId: after.clientId || after.id }),
  }
}
