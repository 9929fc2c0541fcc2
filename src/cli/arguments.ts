/** Arguments of the command line, each read or refused with what was expected. */
import { readFileSync } from 'node:fs'
import { InvalidArgumentError } from 'commander'
import { ACL_BROKERS, type AclBroker } from '../mqtt/acl.ts'
import { isThingId } from '../protocol/topics.ts'

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

export function aclBroker(text: string): AclBroker {
  const broker = ACL_BROKERS.find((one) => one === text)
  if (!broker) throw new InvalidArgumentError(`expected ${ACL_BROKERS.join(' or ')}`)
  return broker
}

/** Called for each of several: it is written into access lists as it is. */
export function serviceUser(text: string, before: string[] = []): string[] {
  if (!isThingId(text)) throw new InvalidArgumentError('expected 1 to 128 characters of A-Z, a-z, 0-9, _ . : and -')
  return [...before, text]
}

/** What is in the file. */
export function pemFile(path: string): string {
  try {
    const pem = readFileSync(path, 'utf8')
    if (pem.includes('-----BEGIN ')) return pem
  } catch (error) {
    throw new InvalidArgumentError(`${error instanceof Error ? error.message : error}, expected a file in PEM`)
  }
  throw new InvalidArgumentError('expected a file in PEM')
}
