import type { CombinedError } from 'urql'

/** What went wrong with a request, for people. */
export function describeProblem({ graphQLErrors, networkError }: CombinedError): string {
  const [first] = graphQLErrors
  if (first) return first.message
  if (!navigator.onLine) return 'This machine is offline.'
  if (networkError?.message.startsWith('Failed to fetch') || networkError instanceof TypeError)
    return 'The service does not answer.'
  return networkError?.message ?? 'Something went wrong.'
}
