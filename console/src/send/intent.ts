/** The idempotency key of what somebody means to send. */

export interface Intent {
  /** The same for the same request, however often it is asked for; another request is another intent. */
  keyFor(request: unknown): string
}

export function createIntent(): Intent {
  let wanted = ''
  let key = ''
  return {
    keyFor(request) {
      const text = JSON.stringify(request)
      if (text !== wanted) {
        wanted = text
        key = newKey()
      }
      return key
    },
  }
}

/** `crypto.randomUUID` is there in secure contexts only: a service on plain HTTP in the local network is none. */
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return `console-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
