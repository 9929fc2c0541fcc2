import { readFileSync } from 'node:fs'

/** Of package.json, which is one folder up from the source and from what is built. */
export const VERSION: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
