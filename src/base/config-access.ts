/** Settings of who is believed: proxies in front of us, and a broker that asks about its clients. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { type Environment, listOf, read, setting } from './setting.ts'

const SETTINGS = {
  TRUSTED_PROXIES: setting(
    listOf(isAddressOrRange),
    'addresses or ranges, parted by commas, such as 10.0.0.1,192.168.0.0/16,::1',
  ),
  MQTT_AUTH_SECRET: setting(
    z.string().regex(/^[\x21-\x7e]{16,256}$/),
    '16 to 256 printable ASCII characters without spaces',
    true,
  ),
}

export function readAccess(env: Environment): {
  trustedProxies: readonly string[]
  mqttAuthSecret: string | undefined
} {
  return {
    trustedProxies: read('TRUSTED_PROXIES', SETTINGS.TRUSTED_PROXIES, env) ?? [],
    mqttAuthSecret: read('MQTT_AUTH_SECRET', SETTINGS.MQTT_AUTH_SECRET, env),
  }
}

function isAddressOrRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const most = { 4: 32, 6: 128 }[isIP(address)]
  if (!most || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= most)
}
