import type { JsonObject } from '../../send/schema.ts'
import { Json } from '../../ui/Json.tsx'
import { describeSchema, isClosed, type SchemaLine } from './describe-schema.ts'
import styles from './TypePage.module.css'

interface SchemaTableProps {
  name: 'Params' | 'Result'
  schema: JsonObject | null
  /** Said where there is no schema. */
  nothing: string
}

export function SchemaTable({ name, schema, nothing }: SchemaTableProps) {
  const lines = schema ? describeSchema(schema) : undefined
  return (
    <div className={styles['schema']}>
      <h4>{name}</h4>
      {!schema && <p className="muted">{nothing}</p>}
      {lines && lines.length > 0 && <Lines name={name} lines={lines} />}
      {schema && lines && (
        <p className="muted">
          {lines.length === 0 && 'None are named. '}
          {isClosed(schema) ? 'No others are taken.' : 'Others are taken as they come.'}
        </p>
      )}
      {schema && (
        <details className={styles['json']} open={!lines}>
          <summary>JSON Schema</summary>
          <Json value={schema} name={`JSON Schema of ${name.toLowerCase()}`} />
        </details>
      )}
    </div>
  )
}

function Lines({ name, lines }: { name: string; lines: readonly SchemaLine[] }) {
  return (
    <table className={styles['lines']} aria-label={`Fields of ${name.toLowerCase()}`}>
      <thead>
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Type and range</th>
          <th scope="col">Default</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr key={line.path.join('.')}>
            <th scope="row">
              <span className="mono">
                <span className="muted">{line.path.slice(0, -1).map((step) => `${step}.`)}</span>
                {line.path.at(-1)}
              </span>{' '}
              {line.isRequired && <small className={styles['required']}>required</small>}
              {line.description && <span className={styles['hint']}>{line.description}</span>}
            </th>
            <td>
              {line.type}
              {line.range && <span className={styles['hint']}>{line.range}</span>}
            </td>
            <td className="mono">{line.fallback ?? <span className="muted">–</span>}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
