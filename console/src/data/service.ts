/** The service as this page knows it: the public GraphQL API, over HTTP and one WebSocket. */
import { createContext, use } from 'react'
import { Client, fetchExchange, subscriptionExchange } from 'urql'
import { noteServerDate } from './clock.ts'
import { createLink, type Link } from './link.ts'
import { refuse } from './session.ts'

export interface Service {
  client: Client
  link: Link
  authorization: string | undefined
}

/** For one session: another one gets another, so that nothing of it is left behind. */
export function createService(authorization: string | undefined): Service {
  const onRefused = () => refuse(authorization)
  const link = createLink({ authorization, onRefused })
  const client = new Client({
    url: '/graphql',
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      noteServerDate(response.headers.get('date'))
      if (response.status === 401) onRefused()
      return response
    },
    fetchOptions: { headers: authorization ? { authorization } : {}, credentials: 'omit' },
    preferGetMethod: false,
    // No cache: what is shown is live, and a page that is opened again shall show what is so, not what was.
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables }) => ({
          subscribe: (sink) => ({ unsubscribe: link.sockets.subscribe({ query: query ?? '', variables }, sink) }),
        }),
      }),
    ],
  })
  return { client, link, authorization }
}

const ServiceContext = createContext<Service | undefined>(undefined)

export const ServiceProvider = ServiceContext

export function useService(): Service {
  const service = use(ServiceContext)
  if (!service) throw new Error('there is no ServiceProvider above')
  return service
}
