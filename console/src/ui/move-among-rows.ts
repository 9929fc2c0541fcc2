import type { KeyboardEvent } from 'react'

/** Up and down among the rows of a table, as in a list: their links have `data-row`. */
export function moveAmongRows(event: KeyboardEvent<HTMLElement>): void {
  const { key, target, currentTarget } = event
  if (key !== 'ArrowDown' && key !== 'ArrowUp') return
  const links = Array.from(currentTarget.querySelectorAll('a[data-row]'), (link) => link as HTMLElement)
  const at = links.indexOf(target as HTMLElement)
  const next = links[at + (key === 'ArrowDown' ? 1 : -1)]
  if (at < 0 || !next) return
  event.preventDefault()
  next.focus()
}
