import { describe, expect, it } from 'vitest'
import { type Ending, type Experience, explainEnding, learn, newEnding, retryDelayMs } from '../../src/mqtt/ending.ts'
import type { ProtocolVersion } from '../../src/mqtt/link.ts'

const SHORT_LIVED = (version: ProtocolVersion): Ending => ({ ...newEnding(version), accepted: true, lastedMs: 100 })
const REFUSED = (version: ProtocolVersion): Ending =>
  newEnding(version, Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }))

/** What is said of the last one, and how long until the next try. */
function endingIn(endings: Ending[]) {
  const last = endings.at(-1) ?? newEnding(5)
  const known = endings.reduce(learn, { mqtt5: 'untried', shortLived: 0 } satisfies Experience as Experience)
  return { problem: explainEnding(known, last), delayMs: retryDelayMs(known, last, last.version) }
}

describe('connections that are lost soon, one after the other', () => {
  it('are another client with our id, whether or not the broker says so', () => {
    const { problem, delayMs } = endingIn([SHORT_LIVED(4), SHORT_LIVED(4), SHORT_LIVED(4)])
    expect(problem).toMatch(/MQTT_CLIENT_ID/)
    expect(delayMs).toBe(5000)
  })

  it('are a broker that is away again and again, where it could not be reached in between', () => {
    const times = Array.from({ length: 4 }, () => [SHORT_LIVED(4), REFUSED(4)])
    const { problem, delayMs } = endingIn([...times.flat(), SHORT_LIVED(4)])
    expect(problem).toBe('the connection was lost')
    expect(delayMs).toBe(100)
  })

  it('are another client at once, where the broker says so', () => {
    expect(endingIn([{ ...SHORT_LIVED(5), disconnectReason: 142 }]).problem).toMatch(/MQTT_CLIENT_ID/)
  })
})
