import { Link, useSearch } from '@tanstack/react-router'
import { useTitle } from '../../app/use-title.ts'
import { DEFAULT_SPAN, SPANS, type StatsSpan } from '../../data/stats-range.ts'
import { type Stats, useStats } from '../../data/use-stats.ts'
import { useSend } from '../../send/SendProvider.tsx'
import { Button } from '../../ui/Button.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { Notice } from '../../ui/Notice.tsx'
import { Time } from '../../ui/Time.tsx'
import { CommandsChart } from './CommandsChart.tsx'
import styles from './OverviewPage.module.css'
import { RoundTripChart, SuccessChart } from './RateCharts.tsx'
import { Totals } from './Totals.tsx'
import { WorstActions, WorstThings } from './Worst.tsx'

export function OverviewPage() {
  useTitle('Overview')
  const { range: span = DEFAULT_SPAN } = useSearch({ from: '/overview' })
  const { stats, readAt, problem, refresh } = useStats(span)
  return (
    <div className={styles['page']}>
      <header className={styles['head']}>
        <h1>Overview</h1>
        <Spans chosen={span} />
        {readAt && (
          <span className={styles['age']}>
            as of <Time at={readAt} />
          </span>
        )}
      </header>
      {problem && <Problem problem={problem} readAt={readAt} onRetry={refresh} />}
      {stats ? <Content stats={stats} span={span} /> : !problem && <Loading />}
    </div>
  )
}

const spans = Object.keys(SPANS) as StatsSpan[]

const Spans = ({ chosen }: { chosen: StatsSpan }) => (
  <nav className={styles['spans']} aria-label="Time">
    {spans.map((span) => (
      <Link
        key={span}
        to="/overview"
        search={{ range: span }}
        activeOptions={{ includeSearch: true }}
        activeProps={{ 'aria-current': undefined }}
        {...(span === chosen && { 'aria-current': 'page' })}
      >
        {SPANS[span].label}
      </Link>
    ))}
  </nav>
)

interface ProblemProps {
  problem: string
  readAt: string | undefined
  onRetry: () => void
}

function Problem({ problem, readAt, onRetry }: ProblemProps) {
  const again = (
    <Button onClick={onRetry}>
      <Icon name="again" /> Try now
    </Button>
  )
  if (!readAt)
    return (
      <Notice kind="problem" title="The numbers could not be read.">
        <span>{problem} It is tried again by itself.</span>
        {again}
      </Notice>
    )
  return (
    <Notice kind="warning" title="These numbers are old.">
      <span>
        They are of <Time at={readAt} />. {problem} It is tried again by itself.
      </span>
      {again}
    </Notice>
  )
}

function Content({ stats, span }: { stats: Stats; span: StatsSpan }) {
  if (stats.counts.total === 0) return <Empty span={span} />
  return (
    <>
      {stats.countedFrom > stats.from && (
        <Notice kind="warning" title="Not all are counted.">
          <span>
            There are too many for you to see a part of: only those since <Time at={stats.countedFrom} /> are.
          </span>
        </Notice>
      )}
      <Totals stats={stats} />
      <CommandsChart stats={stats} span={span} />
      <div className={styles['columns']}>
        <SuccessChart stats={stats} span={span} />
        <RoundTripChart stats={stats} span={span} />
        <WorstThings stats={stats} />
        <WorstActions stats={stats} />
      </div>
    </>
  )
}

function Empty({ span }: { span: StatsSpan }) {
  const { isOffered, open } = useSend()
  return (
    <Notice kind="empty" title={`No command was sent in the last ${SPANS[span].words}.`}>
      <p>Once there are some, how they went is drawn here.</p>
      {isOffered && (
        <Button look="primary" onClick={() => open()}>
          Send a command
        </Button>
      )}
    </Notice>
  )
}

const Loading = () => (
  <div className={styles['loading']} role="status">
    <span className="unseen">Loading…</span>
    <div className={styles['bone']} />
    <div className={styles['bone']} />
  </div>
)
