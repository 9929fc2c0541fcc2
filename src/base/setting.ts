/** How one setting of the environment is read, and refused. */
import { z } from 'zod'

/** A setting that cannot be used. Its message is the one line that the user sees. */
export class ConfigError extends Error {
  override name = 'ConfigError'
}

export type Environment = Record<string, string | undefined>

export interface Setting<T> {
  schema: z.ZodType<T, string>
  expected: string
  /** The value may hold a password: it is not shown in errors. */
  secret?: true
}

export const setting = <T>(schema: z.ZodType<T, string>, expected: string, secret?: true): Setting<T> => ({
  schema,
  expected,
  ...(secret && { secret }),
})

/** The value of a setting, or undefined where it is absent or empty. Throws a ConfigError that says what was expected. */
export function read<T>(name: string, { schema, expected, secret }: Setting<T>, env: Environment): T | undefined {
  const given = env[name]
  if (given === undefined || given === '') return undefined
  const parsed = schema.safeParse(given)
  if (parsed.success) return parsed.data
  const shown = secret ? 'a value that is not one (not shown: it may hold a password)' : JSON.stringify(given)
  throw new ConfigError(`${name}: got ${shown}, expected ${expected}`)
}

export const wholeNumber = (least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/)
    .transform(Number)
    .refine((value) => value >= least && value <= most)

export const port = setting(wholeNumber(0, 65_535), 'a port from 0 to 65535 (0 takes a free one)')

export const urlOf = (protocols: string[]) =>
  z.string().refine((value) => URL.canParse(value) && protocols.includes(new URL(value).protocol))

/** Several, parted by commas. */
export const listOf = (member: (value: string) => boolean) =>
  z
    .string()
    .transform((text) => text.split(',').map((value) => value.trim()))
    .refine((values) => values.every(member))

export const file = setting(z.string().min(1), 'the path of a file')
export const onOrOff = setting(z.enum(['on', 'off']), 'on or off')
