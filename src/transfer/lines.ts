import { createReadStream, statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { failure, invalid } from './format.ts'

export interface Line {
  /** Counted from 1. */
  number: number
  text: string
  /** Whether a newline ends it: the last one of a file that was cut off has none. */
  isWhole: boolean
}

/** More than any row can have, with each of its characters escaped. */
const MAX_LINE_CHARACTERS = 64_000_000

export interface Source {
  lines: AsyncGenerator<Line>
  /** How much of it was read, from 0 to 1; undefined where its size is not known. */
  share(): number | undefined
}

/** Opens a file (`.gz`: compressed), or standard input where it is `-`. */
export function openSource(file: string): Source {
  if (file === '-') return { lines: readLines(process.stdin), share: () => undefined }
  const size = sizeOf(file)
  const stream = createReadStream(file)
  return { lines: readLines(decompress(file, stream)), share: () => stream.bytesRead / Math.max(size, 1) }
}

export const isCompressed = (file: string): boolean => file.endsWith('.gz')

function decompress(file: string, stream: Readable): Readable {
  if (!isCompressed(file)) return stream
  const gunzip = createGunzip()
  stream.on('error', (error) => gunzip.destroy(error))
  return stream.pipe(gunzip)
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size
  } catch (error) {
    throw failure(`${file}: ${error instanceof Error ? error.message : error}, expected the file of an export`)
  }
}

async function* readLines(stream: Readable): AsyncGenerator<Line> {
  let number = 0
  let rest = ''
  try {
    for await (const chunk of stream.setEncoding('utf8') as AsyncIterable<string>) {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      for (const text of parts) yield { number: ++number, text, isWhole: true }
      if (rest.length > MAX_LINE_CHARACTERS)
        throw invalid(number + 1, `more than ${MAX_LINE_CHARACTERS} characters`, 'one row a line')
    }
  } catch (error) {
    if (!isZlibError(error)) throw error
    throw invalid(number + 1, `what cannot be decompressed (${error.message})`, 'the rest of a whole .gz file')
  }
  if (rest) yield { number: number + 1, text: rest, isWhole: false }
}

const isZlibError = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('Z_')
