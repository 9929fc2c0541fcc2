import { lazy, Suspense, useState } from 'react'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'

const load = () => import('./RegisterDialog.tsx')
const RegisterDialog = lazy(async () => ({ default: (await load()).RegisterDialog }))

export function Register({ label = 'Register a thing' }: { label?: string }) {
  const [isOpen, setIsOpen] = useState(false)
  const prepare = () => void load()
  return (
    <>
      <Button onClick={() => setIsOpen(true)} onPointerEnter={prepare} onFocus={prepare} aria-haspopup="dialog">
        <Icon name="plus" /> {label}
      </Button>
      {isOpen && (
        <Suspense>
          <RegisterDialog onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </>
  )
}
