import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findJsonProblem } from '../../src/protocol/json.ts'
import {
  encodeRequest,
  isExpired,
  MAX_MESSAGE_BYTES,
  parseRequest,
  parseResponse,
  RESPONSE_STATUSES,
} from '../../src/protocol/messages.ts'

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const parse = (value: unknown) => parseResponse(bytesOf(JSON.stringify(value)))
const problemOf = (payload: Uint8Array): string | undefined => {
  const parsed = parseResponse(payload)
  return parsed.ok ? undefined : parsed.problem
}

const cleanText = fc.string({ unit: 'grapheme' })
const cleanJson = fc
  .jsonValue({ maxDepth: 6 })
  .map((value): unknown => JSON.parse(JSON.stringify(value)))
  .filter((value) => findJsonProblem(value) === undefined)
const validReason = fc.record(
  {
    code: fc.stringMatching(/^[A-Z0-9_-]{1,64}$/),
    message: fc.option(cleanText.filter((text) => text.length <= 1024)),
  },
  { requiredKeys: ['code'] },
)
const validResponse = fc.record(
  {
    status: fc.constantFrom(...RESPONSE_STATUSES),
    result: cleanJson,
    reason: fc.option(validReason),
    timestamp: fc.option(fc.double({ min: 0, max: 1e12, noNaN: true })),
    extra: cleanJson,
  },
  { requiredKeys: ['status'] },
)

describe('parseResponse', () => {
  it('accepts every valid response and keeps what it says', () => {
    fc.assert(
      fc.property(validResponse, ({ status, result, reason }) => {
        const response = { status, ...(result !== undefined && { result }), ...(reason !== undefined && { reason }) }
        expect(parse(response)).toEqual({
          ok: true,
          response: {
            status,
            result: result ?? null,
            reason: reason ? { code: reason.code, message: reason.message ?? null } : null,
          },
        })
      }),
    )
  })

  it('takes members of the device beside its own, and drops them', () => {
    fc.assert(fc.property(validResponse, (response) => void expect(parse(response).ok).toBe(true)))
    expect(parse({ status: 'SUCCEEDED', battery: 80 })).toEqual({
      ok: true,
      response: { status: 'SUCCEEDED', result: null, reason: null },
    })
  })

  it('keeps a result whose names mean something in JavaScript', () => {
    const payload = '{"status":"SUCCEEDED","result":{"__proto__":{"a":1},"constructor":2,"toString":3}}'
    const parsed = parseResponse(bytesOf(payload))
    expect(parsed.ok && JSON.stringify(parsed.response.result)).toBe(
      '{"__proto__":{"a":1},"constructor":2,"toString":3}',
    )
  })

  it('never throws, and what it says can be stored', () => {
    const anyBytes = fc.oneof(
      fc.uint8Array({ maxLength: 500 }),
      fc.string({ unit: 'binary', maxLength: 300 }).map(bytesOf),
      fc.json().map(bytesOf),
      validResponse.chain((response) => {
        const payload = bytesOf(JSON.stringify(response))
        return fc
          .tuple(fc.nat(payload.length), fc.integer({ min: 0, max: 255 }))
          .map(([at, byte]) => payload.with(at % payload.length, byte))
      }),
      fc
        .dictionary(fc.string({ unit: 'binary' }), fc.anything())
        .map((reason) => bytesOf(safeJson({ status: 'FAILED', reason }))),
    )
    fc.assert(
      fc.property(anyBytes, (payload) => {
        const parsed = parseResponse(payload)
        const text = parsed.ok ? parsed.response : parsed.problem
        expect(findJsonProblem(text)).toBeUndefined()
        if (!parsed.ok) expect(parsed.problem.length).toBeLessThanOrEqual(512)
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    [{}, 'status'],
    [{ status: 'DONE' }, 'status'],
    [{ status: 'succeeded' }, 'status'],
    [{ status: 'SENT' }, 'status'],
    [{ status: 'TIMED_OUT' }, 'status'],
    [{ status: null }, 'status'],
    [{ status: ['SUCCEEDED'] }, 'status'],
    [{ status: 'FAILED', reason: 'hot' }, 'reason'],
    [{ status: 'FAILED', reason: [] }, 'reason'],
    [{ status: 'FAILED', reason: {} }, 'reason.code'],
    [{ status: 'FAILED', reason: { message: 'hot' } }, 'reason.code'],
    [{ status: 'FAILED', reason: { code: '' } }, 'reason.code'],
    [{ status: 'FAILED', reason: { code: 'too hot' } }, 'reason.code'],
    [{ status: 'FAILED', reason: { code: 'hot' } }, 'reason.code'],
    [{ status: 'FAILED', reason: { code: 'HOT\n' } }, 'reason.code'],
    [{ status: 'FAILED', reason: { code: 7 } }, 'reason.code'],
    [{ status: 'FAILED', reason: { code: 'A'.repeat(65) } }, 'reason.code'],
    [{ status: 'FAILED', reason: { code: 'HOT', message: 7 } }, 'reason.message'],
    [{ status: 'FAILED', reason: { code: 'HOT', message: 'x'.repeat(1025) } }, 'reason.message'],
    [{ status: 'SUCCEEDED', timestamp: 'now' }, 'timestamp'],
    [{ status: 'SUCCEEDED', timestamp: -1 }, 'timestamp'],
    [{ status: 'SUCCEEDED', result: { a: ['\0'] } }, 'payload.result.a.0'],
    [{ status: 'SUCCEEDED', result: { 'a\0': 1 } }, 'payload.result'],
    [{ status: 'SUCCEEDED', result: '\ud800' }, 'payload.result'],
    [{ status: 'SUCCEEDED', extra: '\udfff' }, 'payload.extra'],
    [[], 'payload'],
    [null, 'payload'],
    ['SUCCEEDED', 'payload'],
    [1, 'payload'],
  ])('refuses %j and names %s', (value, member) => {
    expect(problemOf(bytesOf(JSON.stringify(value)))?.split(':')[0]).toBe(member)
  })

  it.each(['', ' ', '{', 'no', '{"status":"SUCCEEDED"', '{"status":"SUCCEEDED"}}', "{'status':'SUCCEEDED'}", 'NaN'])(
    'refuses %j, which is no JSON',
    (text) => {
      expect(problemOf(bytesOf(text))).toBe('payload: expected JSON')
    },
  )

  it('refuses bytes that are no UTF-8', () => {
    expect(problemOf(Uint8Array.of(0x22, 0xff, 0x22))).toBe('payload: expected UTF-8 text')
    expect(problemOf(Uint8Array.of(0x22, 0xed, 0xa0, 0x80, 0x22))).toBe('payload: expected UTF-8 text')
    // The one before was cut off in the middle of a character: nothing of it is left.
    expect(problemOf(Uint8Array.of(0x22, 0xe2, 0x82))).toBe('payload: expected UTF-8 text')
    expect(problemOf(Buffer.from('{"status":"€"}'))).toContain('status: expected one of')
  })

  it('refuses a number beyond what JavaScript can hold', () => {
    expect(problemOf(bytesOf('{"status":"SUCCEEDED","result":1e999}'))).toBe('payload.result: is not a finite number')
  })

  it('draws the line at 256 KB', () => {
    const frame = '{"status":"SUCCEEDED","result":""}'.length
    const payloadOf = (size: number) => bytesOf(`{"status":"SUCCEEDED","result":"${'x'.repeat(size - frame)}"}`)
    expect(problemOf(payloadOf(MAX_MESSAGE_BYTES))).toBeUndefined()
    expect(problemOf(payloadOf(MAX_MESSAGE_BYTES + 1))).toBe('payload: expected at most 262144 bytes')
  })

  it('draws the line at 64 levels, and does not overflow on as many as fit', () => {
    const nested = (depth: number) =>
      bytesOf(`{"status":"SUCCEEDED","result":${'['.repeat(depth)}${']'.repeat(depth)}}`)
    expect(problemOf(nested(64))).toBeUndefined()
    expect(problemOf(nested(65))).toContain('nested deeper than 64 levels')
    expect(problemOf(nested(130_000))).toContain('nested deeper than 64 levels')
  })

  it('cuts a long problem between characters', () => {
    for (const padding of ['', 'x']) {
      const value = { status: 'FAILED', reason: { code: 'HOT', [`${padding}${'😀'.repeat(1000)}`]: 1 } }
      expect(findJsonProblem(problemOf(bytesOf(JSON.stringify(value))))).toBeUndefined()
    }
  })
})

describe('a request', () => {
  const anyRequest = fc.record({
    commandId: fc.uuid(),
    action: cleanText,
    params: fc.dictionary(cleanText, cleanJson).map((params) => JSON.parse(JSON.stringify(params))),
    timestamp: fc.nat(),
    ttl: fc.integer({ min: 1, max: 86_400 }),
  })

  it('is read as it was written', () => {
    fc.assert(
      fc.property(anyRequest, (request) => void expect(parseRequest(bytesOf(encodeRequest(request)))).toEqual(request)),
    )
  })

  it('is none where a member is missing or wrong; reading never throws', () => {
    const [request] = fc.sample(anyRequest, 1)
    for (const member of ['commandId', 'action', 'params', 'timestamp', 'ttl']) {
      for (const wrong of [undefined, null, [], true]) {
        expect(parseRequest(bytesOf(JSON.stringify({ ...request, [member]: wrong })))).toBeUndefined()
      }
    }
    fc.assert(fc.property(fc.oneof(fc.uint8Array(), fc.json().map(bytesOf)), (payload) => void parseRequest(payload)))
  })

  it('is expired from timestamp + ttl on', () => {
    fc.assert(
      fc.property(anyRequest, fc.double({ min: 0, max: 1e10, noNaN: true }), (request, now) => {
        expect(isExpired(request, now)).toBe(now >= request.timestamp + request.ttl)
      }),
    )
    expect(isExpired({ timestamp: 1000, ttl: 30 }, 1029.999)).toBe(false)
    expect(isExpired({ timestamp: 1000, ttl: 30 }, 1030)).toBe(true)
  })
})

/** JSON of values that may hold what JSON cannot say. */
function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch {
    return '{}'
  }
}
