/** The load process: sends commands over HTTP or WebSocket, and sees them settled through a subscription of its own. */
import { thingName } from '../fleet.ts'
import { giveUp, readSettings, serveParent } from '../processes/parent.ts'
import { createLoop, type Flight } from './closed-loop.ts'
import {
  createPayloads,
  type DocumentOptions,
  type Payload,
  readAnswer,
  readEvent,
  settledExecutions,
} from './documents.ts'
import { createHttpClient } from './http.ts'
import { openGraphQLSocket } from './websocket.ts'

export interface LoadSettings extends DocumentOptions {
  url: string
  transport: 'http' | 'websocket'
  /** Whether a command is over with its answer, or once its settling was seen. */
  settledBy: 'answer' | 'event'
  /** The subscription is for the first thing only. */
  followsThing?: boolean
}

type Send = (payload: Payload, onAnswer: (answer: unknown) => void, onFailure: (why: string) => void) => void

const MUTATION_SOCKETS = 4

await serveParent(async () => {
  const settings = readSettings<LoadSettings>()
  const send = settings.transport === 'http' ? overHttp(settings.url) : await overWebSocket(settings.url)
  const flights = settings.settledBy === 'event' ? await watchSettlings(settings) : undefined
  const nextPayload = createPayloads(settings)
  const loop = createLoop((flight) =>
    send(
      nextPayload(),
      (answer) => takeAnswer(answer, flight, flights),
      (why) => flight.failed(why),
    ),
  )
  return { served: loop as never }
})

function overHttp(url: string): Send {
  const client = createHttpClient(url)
  return (payload, onAnswer, onFailure) =>
    client.post(JSON.stringify(payload), (body) => onAnswer(JSON.parse(body)), onFailure)
}

async function overWebSocket(url: string): Promise<Send> {
  const sockets = await Promise.all(Array.from({ length: MUTATION_SOCKETS }, () => openGraphQLSocket(url)))
  let turn = 0
  return (payload, onAnswer) => {
    turn += 1
    sockets[turn % sockets.length]?.operate(payload, onAnswer)
  }
}

function takeAnswer(answer: unknown, flight: Flight, flights: Flights | undefined): void {
  const sent = readAnswer(answer)
  if ('problem' in sent) return flight.failed(sent.problem)
  flight.answered()
  if (flights) flights.follow(sent.id, flight)
  else if (sent.status === 'SUCCEEDED' || sent.id === '') flight.settled()
  else flight.failed(`answered as ${sent.status}`)
}

interface Flights {
  follow(id: string, flight: Flight): void
}

/** Devices are quick: an execution may be seen settled before the mutation is answered, which tells us its id. */
async function watchSettlings({ url, followsThing }: LoadSettings): Promise<Flights> {
  const thing = followsThing ? thingName(0) : undefined
  const followed = new Map<string, Flight>()
  const early = new Map<string, { status: string; at: number }>()
  const socket = await openGraphQLSocket(url)
  socket.operate({ query: settledExecutions(thing) }, (event) => {
    const seen = readEvent(event)
    if ('problem' in seen) giveUp(`the subscription failed: ${seen.problem}`)
    const flight = followed.get(seen.id)
    if (!flight) return early.set(seen.id, { status: seen.status, at: performance.now() })
    followed.delete(seen.id)
    land(flight, seen.status)
  })
  return {
    follow(id, flight) {
      const seen = early.get(id)
      if (!seen) return followed.set(id, flight)
      early.delete(id)
      land(flight, seen.status, seen.at)
    },
  }
}

function land(flight: Flight, status: string, at?: number): void {
  if (status === 'SUCCEEDED') flight.settled(at)
  else flight.failed(`settled as ${status}`)
}
