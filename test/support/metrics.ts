/** Prometheus text, read strictly: a line that is not in order is an error. */

export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.e+-]+|Nan|[+-]Inf)$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/y

export interface Scrape {
  contentType: string | null
  samples: Sample[]
  /** Metrics that have a HELP and a TYPE. */
  described: Set<string>
  /** The value of the sample with this name and these labels; undefined where there is none. */
  value(name: string, labels?: Record<string, string>): number | undefined
}

export async function scrape(url: string): Promise<Scrape> {
  const response = await fetch(`${url}/metrics`)
  if (response.status !== 200) throw new Error(`/metrics: ${response.status}`)
  const lines = (await response.text()).split('\n').filter((line) => line !== '')
  const namesOf = (kind: string) =>
    lines.flatMap((line) => (line.startsWith(`# ${kind} `) ? (line.split(' ')[2] ?? []) : []))
  const typed = new Set(namesOf('TYPE'))
  const samples = lines.filter((line) => !line.startsWith('#')).map(parseSample)
  return {
    contentType: response.headers.get('content-type'),
    samples,
    described: new Set(namesOf('HELP').filter((name) => typed.has(name))),
    value: (name, labels = {}) => samples.find((sample) => sample.name === name && hasLabels(sample, labels))?.value,
  }
}

function parseSample(line: string): Sample {
  const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
  if (!name) throw new Error(`no Prometheus text: ${line}`)
  return { name, labels: parseLabels(labels), value: Number(value?.replace('Inf', 'Infinity')) }
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const [, name, value] = LABEL.exec(text) ?? []
    if (name === undefined || value === undefined) throw new Error(`no labels: ${text}`)
    labels[name] = value
  }
  return labels
}

const hasLabels = (sample: Sample, labels: Record<string, string>): boolean =>
  Object.entries(labels).every(([name, value]) => sample.labels[name] === value)

/** The metric of a sample: without what a histogram appends. */
export const metricOf = (name: string): string => name.replace(/_(bucket|sum|count)$/, '')
