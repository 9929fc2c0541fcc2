/**
 * Each bar is a link to its commands, and each part of it to those of its status. With the keyboard they are one stop, and
 * the arrow keys go along; the table has them all, too.
 */
import { useNavigate, useRouter } from '@tanstack/react-router'
import { Bar as Rect } from '@visx/shape'
import { type KeyboardEvent, type MouseEvent, type ReactNode, type RefObject, useState } from 'react'
import { STATUSES } from '../../data/execution-filter.ts'
import { STATUS_LOOKS } from '../../ui/Status.tsx'
import { HEIGHT, MARGIN } from './Axes.tsx'
import styles from './Chart.module.css'
import { commandsSearch } from './commands-search.ts'
import { fillOf } from './Patterns.tsx'
import { type Bar, SERIES, segmentsOf } from './series.ts'
import { spanInWords } from './ticks.ts'
import { formatCount } from './words.ts'

interface BarsProps {
  bars: readonly Bar[]
  x: (at: number) => number
  y: (count: number) => number
  patterns: string
  frameRef: RefObject<HTMLDivElement | null>
  isDrawn: boolean
  /** Behind the bars. */
  children: ReactNode
}

export function Bars({ bars, x, y, patterns, frameRef, isDrawn, children }: BarsProps) {
  /** By when it begins: bars move on while somebody looks. */
  const [pointed, setPointed] = useState<string>()
  const [stop, setStop] = useState<string>()
  const atStop = Math.max(
    bars.findIndex(({ from }) => from === stop),
    stop === undefined ? bars.length - 1 : 0,
  )
  const shown = bars.find(({ from }) => from === pointed)
  return (
    <>
      <div ref={frameRef} className={styles['drawing']} onPointerLeave={() => setPointed(undefined)}>
        {isDrawn && (
          // biome-ignore lint/a11y/useSemanticElements: an svg is no fieldset.
          <svg role="group" aria-label="Commands over time, by status" onKeyDown={moveAmongBars}>
            {children}
            {bars.map((bar, n) => (
              <BarLink
                key={bar.from}
                bar={bar}
                x={x}
                y={y}
                patterns={patterns}
                isStop={n === atStop}
                onPoint={() => setPointed(bar.from)}
                onFocus={() => {
                  setStop(bar.from)
                  setPointed(bar.from)
                }}
              />
            ))}
          </svg>
        )}
      </div>
      <p className={styles['readout']} data-readout>
        {shown ? <InWords bar={shown} /> : 'A bar leads to its commands. With the keyboard: ← and →, then Enter.'}
      </p>
    </>
  )
}

function InWords({ bar: { from, to, counts } }: { bar: Bar }) {
  return (
    <>
      <strong>{spanInWords(from, to)}</strong>
      <span>{formatCount(counts.total)} in all</span>
      {SERIES.filter(({ name }) => counts[name] > 0).map(({ status, name }) => (
        <span key={status}>
          {STATUS_LOOKS[status].word} {formatCount(counts[name])}
        </span>
      ))}
    </>
  )
}

interface BarLinkProps extends Pick<BarsProps, 'x' | 'y' | 'patterns'> {
  bar: Bar
  isStop: boolean
  onPoint: () => void
  onFocus: () => void
}

const GAP_PX = 1

function BarLink({ bar, x, y, patterns, isStop, onPoint, onFocus }: BarLinkProps) {
  const router = useRouter()
  const navigate = useNavigate()
  const { from, to } = bar
  const { href } = router.buildLocation({ to: '/commands', search: commandsSearch({ from, to }) })
  const follow = (event: MouseEvent<Element>) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    const name = event.target instanceof Element ? event.target.getAttribute('data-segment') : null
    const status = STATUSES.filter((one) => one === name)
    void navigate({ to: '/commands', search: commandsSearch({ from, to, ...(status.length > 0 && { status }) }) })
  }
  const [left, right] = [x(Date.parse(from)), x(Date.parse(to))]
  const width = Math.max(1, right - left - GAP_PX)
  return (
    <a
      href={href}
      className={styles['bar']}
      tabIndex={isStop ? 0 : -1}
      aria-label={describe(bar)}
      data-bar={from}
      onClick={follow}
      onPointerEnter={onPoint}
      onFocus={onFocus}
    >
      <Rect
        className={styles['column'] ?? ''}
        x={left}
        y={MARGIN.top}
        width={right - left}
        height={HEIGHT - MARGIN.top - MARGIN.bottom}
      />
      {segmentsOf(bar).map(({ status, bottom, top }) => (
        <Rect
          key={status}
          x={left}
          y={y(top)}
          width={width}
          height={Math.max(1, y(bottom) - y(top))}
          fill={fillOf(patterns, status)}
          data-segment={status}
        />
      ))}
    </a>
  )
}

function describe({ from, to, counts }: Bar): string {
  const parts = SERIES.filter(({ name }) => counts[name] > 0).map(
    ({ status, name }) => `${formatCount(counts[name])} ${STATUS_LOOKS[status].word.toLowerCase()}`,
  )
  return `${spanInWords(from, to)}: ${parts.length > 0 ? parts.join(', ') : 'no commands'}`
}

function moveAmongBars(event: KeyboardEvent<SVGSVGElement>): void {
  const links: Element[] = Array.from(event.currentTarget.querySelectorAll('a[data-bar]'))
  const at = event.target instanceof Element ? links.indexOf(event.target) : -1
  const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: links.length - 1 }[event.key]
  const link = next === undefined || at < 0 ? undefined : links[next]
  if (!(link instanceof SVGElement)) return
  event.preventDefault()
  link.focus()
}
