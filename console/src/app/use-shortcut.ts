import { useEffect } from 'react'
import { hasShortcuts } from '../data/preferences.ts'
import { useStore } from '../data/store.ts'

const TYPED_INTO = 'input, textarea, select, [contenteditable]'

/** A key by itself, unless somebody is typing, has a dialog open, or has switched such keys off. */
export function useShortcut(key: string, act: () => void, isOffered = true): void {
  const isOn = useStore(hasShortcuts) && isOffered
  useEffect(() => {
    if (!isOn) return
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== key || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return
      if (event.target instanceof Element && event.target.closest(TYPED_INTO)) return
      if (document.querySelector('[role=dialog], [role=alertdialog], :popover-open')) return
      event.preventDefault()
      act()
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [key, act, isOn])
}
