/** Names and addresses that never leave the machine. */
const LOOPBACK = /^(?:(?:[a-z0-9-]+\.)*localhost\.?|127(?:\.\d{1,3}){3}|\[?::1\]?)$/i

export const isLoopback = (host: string): boolean => LOOPBACK.test(host)

/** The host of a Host header or of a URL's `host`, without its port. */
export const hostWithoutPort = (host: string): string => host.replace(/:\d+$/, '')
