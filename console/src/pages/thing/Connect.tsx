/** How a device becomes this thing: where it connects, its topics, and a whole program. */
import { useState } from 'react'
import { useQuery } from 'urql'
import { describeProblem } from '../../data/problem.ts'
import type { Thing } from '../../data/use-thing.ts'
import { BrokerForDevicesDocument, type BrokerForDevicesQuery } from '../../generated/graphql.ts'
import { buttonClass } from '../../ui/Button.tsx'
import { Code } from '../../ui/Code.tsx'
import { Copy } from '../../ui/Copy.tsx'
import { Notice } from '../../ui/Notice.tsx'
import factStyles from '../execution/Facts.module.css'
import styles from './Connect.module.css'
import { type DeviceFacts, endpointOf, executionsOf, SECRET_PLACEHOLDER, urlOf } from './device/endpoint.ts'
import { javascriptCode } from './device/javascript.ts'
import { mosquittoCode } from './device/mosquitto.ts'
import { pythonCode } from './device/python.ts'

const PROGRAMS = [
  { name: 'mosquitto', code: mosquittoCode },
  { name: 'JavaScript', code: javascriptCode },
  { name: 'Python', code: pythonCode },
] as const

/** `isOpen`: how it begins. After that it is as the reader has it. */
export function Connect({ thing, isOpen }: { thing: Thing; isOpen: boolean }) {
  const [beginsOpen] = useState(isOpen)
  const [{ data, error }] = useQuery({ query: BrokerForDevicesDocument })
  return (
    <details className={styles['section']} open={beginsOpen}>
      <summary>
        <h2>Connect a device</h2>
      </summary>
      <div className={styles['content']}>
        {error && <Notice kind="problem" title={describeProblem(error)} />}
        {data && <Program thing={thing} broker={data.service.broker} />}
      </div>
    </details>
  )
}

interface ProgramProps {
  thing: Thing
  broker: BrokerForDevicesQuery['service']['broker']
}

function Program({ thing, broker }: ProgramProps) {
  const [chosen, setChosen] = useState<(typeof PROGRAMS)[number]>(PROGRAMS[0])
  const facts: DeviceFacts = {
    thingId: thing.id,
    clientId: thing.clientId,
    endpoint: endpointOf(broker.url, location.hostname),
    needsSecret: thing.hasSecret || broker.requiresSecrets === true,
  }
  const code = chosen.code(facts)
  return (
    <>
      <p>
        Whatever speaks MQTT can be <span className="mono">{thing.id}</span>. Each of these is a whole device: it
        answers every command with SUCCEEDED, and is yours to change.
      </p>
      <Warnings thing={thing} broker={broker} facts={facts} />
      <Whereabouts facts={facts} />
      <div className={styles['bar']}>
        <fieldset className={styles['choice']} aria-label="Program">
          {PROGRAMS.map((program) => (
            <button
              key={program.name}
              type="button"
              className={buttonClass('quiet')}
              aria-pressed={program === chosen}
              onClick={() => setChosen(program)}
            >
              {program.name}
            </button>
          ))}
        </fieldset>
        <Copy text={code} label="Copy" />
      </div>
      <Code key={chosen.name} text={code} name={`A device with ${chosen.name}`} />
    </>
  )
}

function Warnings({ thing, broker, facts: { needsSecret } }: ProgramProps & { facts: DeviceFacts }) {
  return (
    <>
      {broker.requiresSecrets && !thing.hasSecret && (
        <Notice kind="warning" title="It has no secret, and the broker lets no thing in without one.">
          <span>Somebody who manages things has to issue one.</span>
        </Notice>
      )}
      {needsSecret && (
        <p>
          Put its secret in place of <code>{SECRET_PLACEHOLDER}</code>.
        </p>
      )}
      {!broker.isEmbedded && (
        <p className="muted">
          This is the broker’s address as the service knows it. Where devices know it by another one, take that. Whether
          a device may connect is up to the broker’s own rules.
        </p>
      )}
    </>
  )
}

const Whereabouts = ({ facts: { thingId, clientId, endpoint, needsSecret } }: { facts: DeviceFacts }) => (
  <dl className={factStyles['facts']}>
    <dt>Broker</dt>
    <dd className="mono">{urlOf(endpoint)}</dd>
    <dt>Client ID</dt>
    <dd className="mono">{clientId}</dd>
    {needsSecret && (
      <>
        <dt>User name</dt>
        <dd className="mono">{thingId}</dd>
      </>
    )}
    <dt>Requests</dt>
    <dd className="mono">{executionsOf(thingId)}/+/request</dd>
    <dt>Responses</dt>
    <dd className="mono">
      {executionsOf(thingId)}/{'{executionId}'}/response
    </dd>
  </dl>
)
