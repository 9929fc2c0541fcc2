/** What is written to the log: no secret, and nothing from outside that could pass for something else. */
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { createTerminalFormat, loggerOptions } from '../../src/base/log.ts'

function logged(write: (log: pino.Logger) => void): string {
  let text = ''
  write(pino(loggerOptions('debug'), { write: (line: string) => (text += line) }))
  return text
}

describe('a log line', () => {
  it('holds no secret', () => {
    const secret = 'hunter2'
    const url = `postgres://fleet:${secret}@db:5432/fleet`
    const query = new Error(`Failed query: insert into t values ($1)\nparams: ${secret}`, {
      cause: new Error(`cannot reach ${url}`),
    })
    const text = logged((log) => {
      log.info(
        { password: secret, authorization: secret, databaseUrl: url, connectionParams: { token: secret } },
        'top',
      )
      log.info({ config: { mqttUrl: url, DATABASE_URL: url }, req: { headers: { authorization: secret } } }, 'below')
      log.error({ err: Object.assign(query, { params: [secret], query: 'insert' }) }, 'failed')
    })
    expect(text).not.toContain(secret)
    expect(text).toContain('postgres://fleet:[redacted]@db:5432/fleet')
    expect(text.trim().split('\n')).toHaveLength(3)
  })

  const NASTY = 'a\n{"level":60,"msg":"forged"}\r\u001b[2J\u001b]0;x\u0007\u009b31m\u202egnp\u2028\u007f\b\\u001b'

  it('is one line of JSON, whatever users wrote', () => {
    const text = logged((log) => log.warn({ action: NASTY, err: new Error(NASTY) }, 'refused'))
    expect(text.trimEnd()).not.toContain('\n')
    expect(JSON.parse(text)).toMatchObject({ action: NASTY, msg: 'refused', err: { message: NASTY } })
  })

  it('on a terminal moves no cursor and begins no record', () => {
    const format = createTerminalFormat(false)
    const text = format(
      logged((log) => log.warn({ action: NASTY, nested: { text: NASTY }, err: new Error(NASTY) }, 'refused')),
    )
    const controls = [...text].filter((character) => /[\p{Cc}\u202a-\u202e\u2028\u2029]/u.test(character))
    expect(new Set(controls)).toEqual(new Set(['\n']))
    const records = text.split('\n').filter((line) => /^\S/.test(line) && line !== '')
    expect(records).toHaveLength(1)
    expect(records[0]).toMatch(/WARN.*refused/)
    expect(text).toContain('\\u001b[2J')
  })
})
