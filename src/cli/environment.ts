import { existsSync } from 'node:fs'
import { type Config, ConfigError, readConfig } from '../base/config.ts'

/** Settings of the environment win over those of a .env file. */
export function readEnvironment(): Config {
  try {
    if (existsSync('.env')) process.loadEnvFile('.env')
  } catch (error) {
    throw new ConfigError(`.env: ${error instanceof Error ? error.message : error}, expected lines such as PORT=4000`)
  }
  return readConfig(process.env)
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}
