/** What this browser remembers of how somebody likes it. Nothing of the fleet is kept here. */
import { createStore } from './store.ts'

export type Theme = 'system' | 'light' | 'dark'

/** As public/assets/theme.js reads it before the first paint. */
const THEME = 'fleet-commands.theme'
const SHORTCUTS = 'fleet-commands.shortcuts'

const stored = (key: string): string | null => {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

const keep = (key: string, value: string): void => {
  try {
    localStorage.setItem(key, value)
  } catch {
    // Then it is remembered until the page is closed.
  }
}

const asTheme = (value: string | null): Theme => (value === 'light' || value === 'dark' ? value : 'system')

export const theme = createStore<Theme>(asTheme(stored(THEME)))

export function chooseTheme(chosen: Theme): void {
  keep(THEME, chosen)
  if (chosen === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = chosen
  theme.set(chosen)
}

/** Shortcuts of one letter can be switched off: speech input and unsteady hands trigger them unasked (WCAG 2.1.4). */
export const hasShortcuts = createStore(stored(SHORTCUTS) !== 'off')

export function chooseShortcuts(on: boolean): void {
  keep(SHORTCUTS, on ? 'on' : 'off')
  hasShortcuts.set(on)
}
