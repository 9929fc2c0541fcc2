import { type Caller, EVERYTHING } from '../../src/domain/access.ts'

/** As a service without keys knows whoever asks. */
export const ANYBODY: Caller = { name: null, address: null, authority: EVERYTHING }
