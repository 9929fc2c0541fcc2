import { stat } from 'node:fs/promises'
import type { TlsFiles, TlsSettings } from './config-tls.ts'
import type { Logger } from './log.ts'
import { pause } from './pause.ts'

/** The certificates that are good now: they are renewed while the service runs. */
export interface Certificates {
  current(): TlsSettings
  /** Calls it with what is good from then on, whenever the files were renewed. */
  onRenewed(use: (settings: TlsSettings) => void): void
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 2_000

/**
 * Looks at the files every two seconds, not through fs.watch, which tells nothing of what a volume of Kubernetes mounts
 * anew. What cannot be used changes nothing, and is logged.
 */
export function followCertificates(
  { tls, mqttTls, tlsFiles }: TlsSettings & { tlsFiles: TlsFiles },
  log: Logger,
): Certificates {
  const { paths, read } = tlsFiles
  const stopping = new AbortController()
  const uses: ((settings: TlsSettings) => void)[] = []
  let current: TlsSettings = { tls, mqttTls }
  const running = paths.length > 0 ? follow() : undefined
  return {
    current: () => current,
    onRenewed: (use) => void uses.push(use),
    async stop() {
      stopping.abort()
      await running
    },
  }

  async function follow(): Promise<void> {
    let seen = ''
    let used = ''
    while (!stopping.signal.aborted) {
      const state = (await Promise.all(paths.map(stateOf))).join()
      // Twice the same: a certificate and its key are two files, and whoever writes them is done.
      if (state === seen && state !== used) {
        used = state
        renew()
      }
      seen = state
      await pause(LOOK_EVERY_MS, stopping.signal)
    }
  }

  function renew(): void {
    try {
      const found = read()
      if (JSON.stringify(found) === JSON.stringify(current)) return
      for (const use of uses) use(found)
      current = found
      log.info('the certificates were renewed')
    } catch (error) {
      log.error({ err: error }, 'the renewed certificates cannot be used; those before them stay')
    }
  }
}

/** Of what a link leads to. */
async function stateOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found ? `${found.ino}:${found.mtimeMs}:${found.size}` : 'none'
}
