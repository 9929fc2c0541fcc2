/** Where a text stops being JSON. Browsers say it in words of their own, and some do not say it. Pure: no I/O. */

export interface JsonReading {
  value?: unknown
  /** Where and what; undefined: it is JSON. */
  fault?: string
}

export function readJson(text: string): JsonReading {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch {
    return { fault: describeFault(text) }
  }
}

interface Cursor {
  text: string
  at: number
  expected: string
}

const SCALAR = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y
const WHITE = /[ \t\n\r]*/y
const FIRST_PRINTABLE = ' '

/** The place of the first character that cannot be there, and what could be; undefined where the text is JSON. */
export function findFault(text: string): { at: number; expected: string } | undefined {
  const cursor: Cursor = { text, at: 0, expected: '' }
  if (!passValue(cursor)) return cursor
  take(cursor, WHITE)
  return cursor.at < text.length ? { ...cursor, expected: 'nothing more' } : undefined
}

function describeFault(text: string): string {
  const { at, expected } = findFault(text) ?? { at: text.length, expected: 'something else' }
  const before = text.slice(0, at).split('\n')
  const found = at < text.length ? JSON.stringify(String.fromCodePoint(text.codePointAt(at) ?? 0)) : 'the end'
  return `Line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1}: expected ${expected}, not ${found}.`
}

function passValue(cursor: Cursor): boolean {
  take(cursor, WHITE)
  switch (cursor.text[cursor.at]) {
    case '{':
      return passList(cursor, '}', passMember)
    case '[':
      return passList(cursor, ']', passValue)
    case '"':
      return passString(cursor)
    default:
      return take(cursor, SCALAR) || miss(cursor, 'a value')
  }
}

function passList(cursor: Cursor, end: string, passOne: (cursor: Cursor) => boolean): boolean {
  cursor.at += 1
  take(cursor, WHITE)
  if (pass(cursor, end)) return true
  while (passOne(cursor)) {
    take(cursor, WHITE)
    if (pass(cursor, end)) return true
    if (!pass(cursor, ',')) return miss(cursor, `"," or "${end}"`)
  }
  return false
}

function passMember(cursor: Cursor): boolean {
  take(cursor, WHITE)
  if (cursor.text[cursor.at] !== '"') return miss(cursor, 'a name in double quotes')
  if (!passString(cursor)) return false
  take(cursor, WHITE)
  return pass(cursor, ':') ? passValue(cursor) : miss(cursor, '":"')
}

function passString(cursor: Cursor): boolean {
  cursor.at += 1
  for (;;) {
    const sign = cursor.text[cursor.at]
    if (sign === undefined || sign < FIRST_PRINTABLE) return miss(cursor, 'the end of the text, a double quote')
    if (pass(cursor, '"')) return true
    if (sign !== '\\') cursor.at += 1
    else if (!take(cursor, ESCAPE)) return miss(cursor, 'an escape such as \\n or \\\\')
  }
}

function pass(cursor: Cursor, sign: string): boolean {
  const isThere = cursor.text[cursor.at] === sign
  if (isThere) cursor.at += 1
  return isThere
}

function take(cursor: Cursor, pattern: RegExp): boolean {
  pattern.lastIndex = cursor.at
  const found = pattern.test(cursor.text)
  if (found) cursor.at = pattern.lastIndex
  return found
}

function miss(cursor: Cursor, expected: string): false {
  cursor.expected = expected
  return false
}
