/** What the service is and offers: only what is there is offered here. */
import { createContext, use } from 'react'
import type { CallerQuery } from '../generated/graphql.ts'

export type About = CallerQuery['service']

const AboutContext = createContext<About | undefined>(undefined)

export const AboutProvider = AboutContext

export function useAbout(): About {
  const about = use(AboutContext)
  if (!about) throw new Error('there is no AboutProvider above')
  return about
}
