import type { ComponentPropsWithRef } from 'react'
import styles from './Button.module.css'

type Look = 'plain' | 'primary' | 'quiet' | 'danger'

interface ButtonProps extends ComponentPropsWithRef<'button'> {
  look?: Look
}

export const buttonClass = (look: Look = 'plain'): string => `${styles['button']} ${styles[look] ?? ''}`

export function Button({ look, className = '', type = 'button', ...rest }: ButtonProps) {
  return <button type={type} className={`${buttonClass(look)} ${className}`} {...rest} />
}
