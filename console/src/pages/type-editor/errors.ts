/** What is wrong at each input of the editor, for whichever of its parts asks. */
import { createContext, use } from 'react'

export type ErrorsAt = (at: string) => string[]

export const ErrorsContext = createContext<ErrorsAt>(() => [])
export const useErrors = (): ErrorsAt => use(ErrorsContext)
