import { describe, expect, it } from 'vitest'
import { type DeviceEvent, type DeviceNews, formatDeviceEvent } from '../../src/device/events.ts'

const line = (news: DeviceNews): string => {
  const event: DeviceEvent = { thingId: 't-1', at: new Date(2026, 0, 2, 3, 4, 5, 67), ...news }
  return formatDeviceEvent(event)
}

describe('a device event as a line of text', () => {
  it.each<[DeviceNews, string]>([
    [
      { kind: 'connected', broker: 'mqtt://h:1883', clientId: 'c-1', protocol: '5', sessionPresent: true },
      'connected to mqtt://h:1883 as c-1 (MQTT 5, session resumed)',
    ],
    [
      { kind: 'disconnected', broker: 'mqtt://h:1883', why: 'gone' },
      'disconnected from mqtt://h:1883: gone; trying again',
    ],
    [
      { kind: 'request', executionId: 'e', action: 'set', params: { value: 1 }, secondsLeft: 29.96 },
      'request set {"value":1}, 30.0 s left (e)',
    ],
    [{ kind: 'expired', executionId: 'e', action: 'set', secondsLate: 1.25 }, 'ignored set, expired 1.3 s ago (e)'],
    [
      { kind: 'repeated', executionId: 'e', action: 'set', remembered: 'acting' },
      'repeated set, still acting on the first one (e)',
    ],
    [
      { kind: 'answered', executionId: 'e', status: 'FAILED', payload: '{}', fromMemory: true, tookMs: 7 },
      'answered FAILED again in 7 ms (e)',
    ],
    [
      { kind: 'refused', what: 'subscription', why: 'no', advice: 'ask' },
      'the broker refused the subscription: no. What to do: ask',
    ],
    [{ kind: 'error', message: 'odd' }, 'error: odd'],
  ])('reads %j', (news, text) => {
    expect(line(news)).toBe(`03:04:05.067 t-1 ${text}`)
  })

  it('stays one short line, whatever is in the request', () => {
    const text = line({
      kind: 'request',
      executionId: 'e',
      action: 'a\r\nb\u001b[2J\u2028',
      params: { text: `\u0000\n\u001b]0;${'x'.repeat(10_000)}` },
      secondsLeft: 1,
    })
    expect(text).not.toMatch(/[\p{Cc}\u2028]/u)
    expect(text.length).toBeLessThan(300)
  })
})
