/** The thermostat that the reference device pretends to be. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Act, DeviceRequest, DeviceResponse } from './behaviour.ts'

export interface SimulationOptions {
  /** Milliseconds from request to answer. */
  latencyMs?: number
  /** The share of requests, from 0 to 1, that end FAILED. */
  failRate?: number
  /** The share of requests, from 0 to 1, that are REJECTED. */
  rejectRate?: number
  /** A number from 0 to 1 (exclusive) for each request: chance, unless a test decides. */
  random?: () => number
}

export interface ThermostatState {
  currentTemperature: number
  /** Unix time in seconds. */
  rebootedAt: number | null
}

export interface Simulation {
  act: Act
  state(): ThermostatState
}

const DEFAULT_LATENCY_MS = 200
const START_TEMPERATURE = 20

/** A thermostat: `setTemperature` and `reboot` change it, any other action succeeds and echoes what was asked. */
export function simulateThermostat(options: SimulationOptions = {}): Simulation {
  const { latencyMs = DEFAULT_LATENCY_MS, failRate = 0, rejectRate = 0, random = Math.random } = options
  checkRange('latency', latencyMs, 0, 86_400_000)
  checkRange('fail rate', failRate, 0, 1)
  checkRange('reject rate', rejectRate, 0, 1)
  const state: ThermostatState = { currentTemperature: START_TEMPERATURE, rebootedAt: null }
  return {
    state: () => ({ ...state }),
    async act(request, signal) {
      await delay(latencyMs, undefined, { signal })
      return misfortune(random(), rejectRate, failRate) ?? perform(request, state)
    },
  }
}

/** One throw of the dice decides: the lowest numbers reject, the next ones fail. */
function misfortune(chance: number, rejectRate: number, failRate: number): DeviceResponse | undefined {
  if (chance < rejectRate) return { status: 'REJECTED', reason: { code: 'BUSY', message: 'busy with something else' } }
  if (chance >= rejectRate + failRate) return undefined
  return { status: 'FAILED', reason: { code: 'OVERHEATED', message: 'the heating element is too hot' } }
}

function perform({ action, params }: DeviceRequest, state: ThermostatState): DeviceResponse {
  if (action === 'setTemperature') return setTemperature(params.value, state)
  if (action !== 'reboot') return { status: 'SUCCEEDED', result: { action, params } }
  state.rebootedAt = Math.floor(Date.now() / 1000)
  return { status: 'SUCCEEDED', result: { rebootedAt: state.rebootedAt } }
}

function setTemperature(value: unknown, state: ThermostatState): DeviceResponse {
  if (typeof value !== 'number') {
    return { status: 'REJECTED', reason: { code: 'BAD_PARAMS', message: 'value: expected a number' } }
  }
  state.currentTemperature = value
  return { status: 'SUCCEEDED', result: { currentTemperature: value } }
}

function checkRange(name: string, value: number, min: number, max: number): void {
  if (value >= min && value <= max) return
  throw new RangeError(`${name}: got ${value}, expected a number from ${min} to ${max}`)
}
