/** What nobody in good faith would send. */
import fc from 'fast-check'

const NASTY = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  'x\udfff',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  "'; drop table executions; --",
  '" or 1=1 --',
  '%',
  '_',
  '\\',
  '*',
  '**',
  '#',
  '+',
  '$share/x/#',
  '../../etc/passwd',
  '..%2f..%2f',
  '%00',
  '\r\nX-Injected: 1',
  '\u202e\u2066',
  '😀'.repeat(40),
  'ﬀ',
  'İ',
  'a'.repeat(129),
  'a'.repeat(70_000),
  '{{7*7}}',
  '<script>alert(1)</script>',
  '00000000-0000-0000-0000-000000000000',
  'null',
  'undefined',
  'NaN',
  '-1',
  '1e999',
]

/** Any code units: halves of pairs and control characters included. */
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 })
  .map((codes) => String.fromCharCode(...codes))

export const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...NASTY) },
  { weight: 2, arbitrary: units },
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  fc.string({ maxLength: 200 }),
)

const numbers = fc.constantFrom(
  '0',
  '-0',
  '1',
  '-1',
  '1.5',
  '2147483648',
  '-2147483649',
  '9007199254740993',
  '1e308',
  '1e309',
  '-1e999',
  '123456789012345678901234567890',
)

const nested = fc
  .tuple(fc.constantFrom('[', '{"a":'), fc.constantFrom(10, 63, 64, 65, 500, 5_000))
  .map(([open, depth]) => open.repeat(depth) + (open === '[' ? '' : 'null') + (open === '[' ? ']' : '}').repeat(depth))

const objects = fc.constantFrom(
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  '{"a":1,"a":2}',
  '{"":""}',
  '{"toString":1,"valueOf":2,"then":3}',
  `{${Array.from({ length: 3_000 }, (_, n) => `"k${n}":${n}`).join()}}`,
  `[${'0,'.repeat(20_000)}0]`,
  '{"$ref":"#"}',
)

/** As text, because some of it is lost where JavaScript holds it. */
export const json: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: text.map((value) => JSON.stringify(value)) },
  numbers,
  nested,
  objects,
  fc.constantFrom('true', 'false', 'null', '{}', '[]', '[[]]'),
  { weight: 2, arbitrary: fc.json({ maxDepth: 4 }) },
)

/** What is no JSON at all. */
export const garbage = fc.oneof(
  text,
  fc.constantFrom('{', '[', '"', '{"a":', 'nul', '\ufeff{}', "{'a':1}", '{"a":1,}', '01', '\x7f'),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
)

const PATTERNS = ['^(a+)+$', '(x+x+)+y', '([', '(?<=a)b', '^(\\w+\\s?)*$', '\\p{L}+', '[\\d-x]', '(?:a|a)*b']
const TYPES = ['string', 'number', 'object', 'array', 'nonsense']

/** JSON Schemas, good, bad, endless and slow. */
export const jsonSchema: fc.Arbitrary<string> = fc.oneof(
  json,
  fc.constantFrom(...PATTERNS).map((pattern) => JSON.stringify({ properties: { a: { pattern } } })),
  fc.constantFrom(...TYPES).map((type) => JSON.stringify({ type })),
  fc.constantFrom(
    '{"$ref":"#"}',
    '{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}',
    '{"$ref":"https://example.com/x.json"}',
    '{"$id":"x","$ref":"y"}',
    '{"$dynamicRef":"#x"}',
    '{"uniqueItems":true}',
    '{"format":"nonsense"}',
    '{"format":"email"}',
    '{"required":"a"}',
    '{"properties":[]}',
    '{"const":{"__proto__":1}}',
    '{"$async":true}',
    '{"if":true,"then":false}',
    '{"enum":[]}',
    '{"multipleOf":0}',
    '{"maxLength":-1}',
    '{"$schema":"http://json-schema.org/draft-04/schema#"}',
    '{"$vocabulary":1}',
  ),
  fc.integer({ min: 1, max: 40 }).map(doubling),
)

/** Each step asks the next one twice. */
function doubling(steps: number): string {
  const defs = Array.from({ length: steps }, (_, n) => [
    `s${n}`,
    { allOf: [1, 2].map(() => ({ $ref: n + 1 < steps ? `#/$defs/s${n + 1}` : '#/$defs/end' })) },
  ])
  return JSON.stringify({ $ref: '#/$defs/s0', $defs: { ...Object.fromEntries(defs), end: { type: 'object' } } })
}
