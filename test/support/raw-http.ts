/** Requests as no browser and no `fetch` would make them. */
import { once } from 'node:events'
import { type IncomingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'

export interface RawAnswer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** What is in it, where it is JSON. */
  json(): unknown
}

export interface RawRequest {
  method?: string
  headers?: Record<string, string>
  body?: string
}

/** With any header, Host and Origin too. */
export function ask(url: string, { method = 'GET', headers = {}, body }: RawRequest = {}): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString()
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, json: () => JSON.parse(text) })
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

/** GraphQL as it is usually posted. */
export const post = (url: string, params: unknown, headers: Record<string, string> = {}): Promise<RawAnswer> =>
  ask(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(params),
  })

/** A connection that has sent so much, and is left to its fate. */
export async function openAndSay(url: string, text: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(text)
  return socket
}

/** What comes over it until it is closed. */
export async function readToEnd(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk) => {
    text += String(chunk)
  })
  if (!socket.closed) await once(socket, 'close')
  return text
}
