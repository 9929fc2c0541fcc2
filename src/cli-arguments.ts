/** Arguments of the command line, each read or refused with what was expected. */
import { InvalidArgumentError } from 'commander'
import { isThingId } from './protocol/topics.ts'

export function thingName(text: string): string {
  if (!isThingId(text)) throw new InvalidArgumentError('expected 1 to 128 characters of A-Z, a-z, 0-9, _ . : and -')
  return text
}

export function brokerUrl(text: string): string {
  if (!/^(mqtt|ws)s?:$/.test(URL.canParse(text) ? new URL(text).protocol : ''))
    throw new InvalidArgumentError('expected one such as mqtt://127.0.0.1:1883 (mqtt, mqtts, ws or wss)')
  return text
}

export function milliseconds(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw new InvalidArgumentError('expected milliseconds, such as 200')
  return Number(text)
}

export function share(text: string): number {
  if (!/^(0(\.\d+)?|1(\.0+)?|\.\d+)$/.test(text))
    throw new InvalidArgumentError('expected a share from 0 to 1, such as 0.2')
  return Number(text)
}
