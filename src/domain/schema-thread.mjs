// @ts-check
/** The code of a worker thread that checks params against schemas, one batch of jobs after the other (check-thread.ts). */
import { parentPort, workerData } from 'node:worker_threads'
import { compile, problemOf, violationsOf } from './schema.mjs'

/** @typedef {import('./schema.mjs').Violation} Violation */
/** @typedef {import('./schema.mjs').ValidateFunction} ValidateFunction */
/** @typedef {{ schema: string, params: string }} Job Both as JSON. */
/** @typedef {{ problem?: string, violations: Violation[], compileMs: number, checkMs: number }} Answer `problem`: why the schema cannot be used. */

const MAX_COMPILED = 500
/** Compiled schemas and their texts are large where these are. */
const MAX_COMPILED_CHARS = 4 * 1024 * 1024
/** After so long the rest of a batch is handed back: others may have come meanwhile. */
const TURN_MS = 20

/** @type {Map<string, ValidateFunction>} Those that were used last are at the end. */
const compiled = new Map()
let compiledChars = 0
/** Where in the batch this is, for those who end it because it takes too long. */
const place = /** @type {Int32Array} */ (workerData)

// The first schema takes many times as long as the next one, for which nobody is to be given up.
compile({})
parentPort?.on('message', answerBatch)
// It is ready.
parentPort?.postMessage([])

/** @param {readonly Job[]} jobs */
function answerBatch(jobs) {
  const begunAt = performance.now()
  const answers = []
  for (const [index, job] of jobs.entries()) {
    Atomics.store(place, 0, index)
    answers.push(answer(job))
    if (performance.now() - begunAt > TURN_MS) break
  }
  parentPort?.postMessage(answers)
}

/**
 * @param {Job} job
 * @returns {Answer}
 */
function answer({ schema, params }) {
  const begunAt = performance.now()
  try {
    const validate = recall(schema)
    const compiledAt = performance.now()
    const violations = validate(JSON.parse(params)) ? [] : violationsOf(validate.errors)
    validate.errors = null
    return { violations, compileMs: compiledAt - begunAt, checkMs: performance.now() - compiledAt }
  } catch (error) {
    return { problem: problemOf(error), violations: [], compileMs: performance.now() - begunAt, checkMs: 0 }
  }
}

/** @param {string} schema */
function recall(schema) {
  const validate = compiled.get(schema) ?? compileAnew(schema)
  compiled.delete(schema)
  compiled.set(schema, validate)
  return validate
}

/** @param {string} schema */
function compileAnew(schema) {
  const validate = compile(JSON.parse(schema))
  compiledChars += schema.length
  for (const oldest of compiled.keys()) {
    if (compiled.size < MAX_COMPILED && compiledChars <= MAX_COMPILED_CHARS) break
    compiled.delete(oldest)
    compiledChars -= oldest.length
  }
  return validate
}
