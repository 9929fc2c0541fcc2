// Adds up the results of several test runs, and closes with one plain line.
import { readFileSync } from 'node:fs'

const runs = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')))
const total = (key) => runs.reduce((sum, run) => sum + run[key], 0)
const [passed, failed] = [total('numPassedTests'), total('numFailedTests')]
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 && passed > 0 ? 0 : 1)
