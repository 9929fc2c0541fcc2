/** The things that everything is measured with, and what they accept. */

/** A thing by its number. */
export const thingName = (number: number): string => `bench-${String(number).padStart(5, '0')}`

export const THING_TYPE = 'com.example.bench-thermostat'

/** Validation is on: what the load sends satisfies it. */
export const COMMANDS = [
  {
    name: 'setTemperature',
    description: 'Set the target temperature.',
    paramsSchema: {
      type: 'object',
      properties: { value: { type: 'number', minimum: 5, maximum: 35 } },
      required: ['value'],
      additionalProperties: false,
    },
  },
  { name: 'reboot', description: 'Restart the device.' },
]
