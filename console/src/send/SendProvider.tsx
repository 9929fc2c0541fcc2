/** The Send Command dialog, for every page: `useSend().open()`, or the key c. */
import { createContext, lazy, type ReactNode, Suspense, use, useCallback, useMemo, useState } from 'react'
import { useShortcut } from '../app/use-shortcut.ts'
import { maySend, useCaller } from '../data/caller.ts'
import { hasShortcuts } from '../data/preferences.ts'
import { useStore } from '../data/store.ts'
import type { Delivery } from '../generated/graphql.ts'

/** What the dialog begins with. */
export interface Draft {
  thingId?: string
  action?: string
  params?: Record<string, unknown>
  ttl?: number
  delivery?: Delivery
}

interface Send {
  isOffered: boolean
  hasShortcut: boolean
  open(draft?: Draft): void
  /** Loads the dialog before it is asked for. */
  prepare(): void
}

const load = () => import('./SendDialog.tsx')
const SendDialog = lazy(async () => ({ default: (await load()).SendDialog }))

const SendContext = createContext<Send | undefined>(undefined)

export function SendProvider({ children }: { children: ReactNode }) {
  const isOffered = maySend(useCaller())
  const hasShortcut = useStore(hasShortcuts)
  const [opened, setOpened] = useState<{ draft: Draft; count: number }>()
  const open = useCallback((draft: Draft = {}) => {
    setOpened((before) => ({ draft, count: (before?.count ?? 0) + 1 }))
  }, [])
  const send = useMemo(
    () => ({ isOffered, hasShortcut, open, prepare: () => void load() }),
    [isOffered, hasShortcut, open],
  )
  useShortcut(
    'c',
    useCallback(() => open(), [open]),
    isOffered,
  )
  return (
    <SendContext value={send}>
      {children}
      {opened && (
        <Suspense>
          <SendDialog key={opened.count} draft={opened.draft} onClose={() => setOpened(undefined)} />
        </Suspense>
      )}
    </SendContext>
  )
}

export function useSend(): Send {
  const send = use(SendContext)
  if (!send) throw new Error('there is no SendProvider above')
  return send
}
