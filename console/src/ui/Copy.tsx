import { useEffect, useState } from 'react'
import { Button } from './Button.tsx'
import { Icon } from './Icon.tsx'

const SHOWN_MS = 1_500

interface CopyProps {
  text: string | (() => string)
  /** What the button says; without it the button is a sign, and `name` is what it is called. */
  label?: string
  name?: string
}

export function Copy({ text, label, name }: CopyProps) {
  const [outcome, setOutcome] = useState<'copied' | 'failed'>()
  useEffect(() => {
    if (!outcome) return
    const timer = setTimeout(() => setOutcome(undefined), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [outcome])
  const copy = async () => {
    setOutcome((await copyText(typeof text === 'string' ? text : text())) ? 'copied' : 'failed')
  }
  const words = outcome === 'copied' ? 'Copied' : outcome === 'failed' ? 'Could not copy' : label
  return (
    <Button look={label ? 'plain' : 'quiet'} onClick={copy} title={name} aria-label={words ? undefined : name}>
      <Icon name={outcome === 'copied' ? 'succeeded' : 'copy'} />
      {words}
    </Button>
  )
}

/** The clipboard is there in secure contexts only: a service on plain HTTP in the local network is none. */
async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text)
    return true
  } catch {
    return copyBySelection(text)
  }
}

function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea')
  area.value = text
  area.className = 'unseen'
  const before = document.activeElement
  document.body.append(area)
  area.select()
  const isCopied = document.execCommand('copy')
  area.remove()
  if (before instanceof HTMLElement) before.focus()
  return isCopied
}
