// Adds up the results of several test runs, and closes with one plain line. Each test must have passed in one of them:
// what is skipped on some engines runs on others, and what ran nowhere was not tested.
import { readFileSync } from 'node:fs'

const runs = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')))
const results = runs.flatMap(({ testResults }) =>
  testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ fullName, status }) => ({ test: `${name}: ${fullName}`, status })),
  ),
)
const namesOf = (status) => new Set(results.filter((one) => one.status === status).map(({ test }) => test))
const [passed, failed] = [namesOf('passed'), namesOf('failed')]
const notRun = new Set(results.map(({ test }) => test).filter((test) => !passed.has(test) && !failed.has(test)))
for (const test of notRun) console.log(`ran nowhere: ${test}`)

const total = (key) => runs.reduce((sum, run) => sum + run[key], 0)
const [passes, failures] = [total('numPassedTests'), total('numFailedTests')]
console.log(`${passes} passed, ${failures} failed`)
process.exit(failures === 0 && notRun.size === 0 && passes > 0 ? 0 : 1)
