import { stat } from 'node:fs/promises'
import type { Certificate, FilesOf, MqttTls, TlsSettings } from './config-tls.ts'
import type { Logger } from './log.ts'
import { pause } from './pause.ts'

/** What a door shows and believes: it is renewed while the service runs. */
export interface Renewed<T> {
  current(): T | undefined
  /** Calls it with what is good from now on, whenever that is renewed; at once where it was since the start. */
  onRenewed(use: (settings: T) => void): void
}

export interface Certificates {
  https: Renewed<Certificate>
  mqtt: Renewed<MqttTls>
  stop(): Promise<void>
}

const LOOK_EVERY_MS = 2_000

/**
 * Looks at the files every two seconds, not through fs.watch, which tells nothing of what a volume of Kubernetes mounts
 * anew. What cannot be used changes nothing, is told once, and is tried again.
 */
export function followCertificates({ tls, mqttTls, tlsFiles }: TlsSettings, log: Logger): Certificates {
  const stopping = new AbortController()
  const https = follow(tls, tlsFiles.tls)
  const mqtt = follow(mqttTls, tlsFiles.mqttTls)
  return {
    https,
    mqtt,
    async stop() {
      stopping.abort()
      await Promise.all([https.running, mqtt.running])
    },
  }

  function follow<T>(first: T | undefined, files: FilesOf<T>) {
    let current = first
    let use: (settings: T) => void = () => {}
    const look = createLook(files, (found) => {
      if (JSON.stringify(found) === JSON.stringify(current)) return
      use(found)
      current = found
      log.info({ files: files.paths }, 'the certificates were renewed')
    })
    return {
      current: () => current,
      onRenewed: (useRenewed: typeof use) => {
        use = useRenewed
        if (current && current !== first) use(current)
      },
      running: files.paths.length > 0 ? lookUntil(look, log, stopping.signal) : undefined,
    }
  }
}

/** A function that reads the files once they were changed, and again until that succeeds. */
function createLook<T>({ paths, read }: FilesOf<T>, use: (found: T) => void): () => Promise<void> {
  let seen = ''
  let used = ''
  return async () => {
    const state = (await Promise.all(paths.map(stateOf))).join()
    // Twice the same: a certificate and its key are two files, and whoever writes them is done.
    const isDone = state === seen
    seen = state
    if (!isDone || state === used) return
    const found = read()
    if (found) use(found)
    used = state
  }
}

async function lookUntil(look: () => Promise<void>, log: Logger, stopping: AbortSignal): Promise<void> {
  let told = ''
  while (!stopping.aborted) {
    try {
      await look()
      told = ''
    } catch (error) {
      const problem = String(error)
      if (problem !== told) log.error({ err: error }, 'the renewed certificates cannot be used; those before them stay')
      told = problem
    }
    await pause(LOOK_EVERY_MS, stopping)
  }
}

/** Of what a link leads to. */
async function stateOf(path: string): Promise<string> {
  const found = await stat(path).catch(() => undefined)
  return found ? `${found.ino}:${found.mtimeMs}:${found.size}` : 'none'
}
