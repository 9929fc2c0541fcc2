/**
 * Posts JSON over kept-alive connections, one request at a time on each. Written on bare sockets, because Node's own
 * client costs more than the service does, and load and service share the machine.
 */
import { connect, type Socket } from 'node:net'

export interface HttpClient {
  /** `onBody` gets the body of a 200, `onFailure` whatever else becomes of it. */
  post(body: string, onBody: (body: string) => void, onFailure: (why: string) => void): void
  close(): void
}

interface Exchange {
  onBody: (body: string) => void
  onFailure: (why: string) => void
}

interface Connection {
  socket: Socket
  exchange: Exchange | undefined
  /** What came of the answer so far. */
  received: Buffer | undefined
}

interface HttpAnswer {
  status: number
  body: string
}

export function createHttpClient(url: string): HttpClient {
  const { hostname, port, pathname, host } = new URL(url)
  const head = `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nAccept: application/json\r\nContent-Length: `
  const idle: Connection[] = []
  const all = new Set<Connection>()
  return {
    post(body, onBody, onFailure) {
      const connection = idle.pop() ?? open()
      connection.exchange = { onBody, onFailure }
      connection.socket.write(`${head}${Buffer.byteLength(body)}\r\n\r\n${body}`)
    },
    close() {
      for (const { socket } of all) socket.destroy()
    },
  }

  function open(): Connection {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    const connection: Connection = { socket, exchange: undefined, received: undefined }
    all.add(connection)
    socket.on('data', (data) => receive(connection, data))
    socket.on('error', () => {})
    socket.on('close', () => {
      all.delete(connection)
      const place = idle.indexOf(connection)
      if (place >= 0) idle.splice(place, 1)
      connection.exchange?.onFailure('the connection was closed')
      connection.exchange = undefined
    })
    return connection
  }

  function receive(connection: Connection, data: Buffer): void {
    connection.received = connection.received ? Buffer.concat([connection.received, data]) : data
    const answer = readAnswer(connection.received)
    const { exchange } = connection
    if (!answer || !exchange) return
    connection.received = undefined
    connection.exchange = undefined
    idle.push(connection)
    if (answer.status === 200) exchange.onBody(answer.body)
    else exchange.onFailure(`HTTP ${answer.status}: ${answer.body.slice(0, 300)}`)
  }
}

const HEAD_END = Buffer.from('\r\n\r\n')

/** The answer, or undefined while some of it is missing. */
function readAnswer(data: Buffer): HttpAnswer | undefined {
  const headEnd = data.indexOf(HEAD_END)
  if (headEnd < 0) return undefined
  const head = data.toString('latin1', 0, headEnd)
  const status = Number(head.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  const start = headEnd + HEAD_END.length
  if (length === undefined) return readChunks(status, data.toString('latin1', start))
  const end = start + Number(length)
  return data.length < end ? undefined : { status, body: data.toString('utf8', start, end) }
}

/** Chunked: in latin1, where a byte is a character, so that the lengths are right. */
function readChunks(status: number, text: string): HttpAnswer | undefined {
  let body = ''
  for (let at = 0; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const length = Number.parseInt(text.slice(at, lineEnd), 16)
    const end = lineEnd + 2 + length
    if (text.length < end + 2) return undefined
    if (length === 0) return { status, body: Buffer.from(body, 'latin1').toString() }
    body += text.slice(lineEnd + 2, end)
    at = end + 2
  }
}
