/** `fleet-commands keys`: the way to the first admin without an open door. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Config, ConfigError } from '../base/config.ts'
import type { Caller, Role } from '../domain/access.ts'
import type { ApiKey, ApiKeyInput } from '../domain/api-keys.ts'
import type { Outcome } from '../domain/errors.ts'
import { print, readEnvironment } from './environment.ts'

interface CreateFlags {
  name: string
  role: Role
  things?: string[]
  thingTypes?: string[]
  actions?: string[]
  expiresAt?: Date
}

const ROLES: Role[] = ['viewer', 'operator', 'admin']
const PAGE = 100

export function addKeysCommand(program: Command): void {
  const keys = program
    .command('keys')
    .description(
      'Make, list and revoke API keys, in the database that DATABASE_URL or DATA_DIR names. The embedded database: while the service is stopped (or use createApiKey in GraphiQL).',
    )
  keys
    .command('create')
    .description('Make a key, and print its secret, which is shown this once.')
    .requiredOption('--name <name>', 'what it is for')
    .addOption(new Option('--role <role>', 'what it may do').choices(ROLES).makeOptionMandatory())
    .option('--things <patterns>', 'only these things: ids or patterns such as door-*, parted by commas', list)
    .option('--thing-types <patterns>', 'only things of these types', list)
    .option('--actions <patterns>', 'only these actions', list)
    .option('--expires-at <instant>', 'when it ends, such as 2027-01-01T00:00:00Z (default: never)', instant)
    .action((flags: CreateFlags) => withKeys(readEnvironment(), (keyring) => create(keyring, flags)))
  keys
    .command('list')
    .description('Print all keys, the newest first.')
    .action(() => withKeys(readEnvironment(), (keyring) => listAll(keyring)))
  keys
    .command('revoke')
    .description('Revoke a key for ever. Running services let it go within a second or two.')
    .argument('<id>', 'the id of the key: ak_…')
    .action((id: string) =>
      withKeys(readEnvironment(), async (keyring) => {
        const { id: revoked } = expect(await keyring.revoke(id))
        print(`${revoked} is revoked.`)
      }),
    )
}

interface Keys {
  create(input: ApiKeyInput): Promise<Outcome<{ apiKey: ApiKey; secret: string }>>
  list(after: string | undefined): Promise<ApiKey[]>
  revoke(id: string): Promise<Outcome<ApiKey>>
}

/** Whoever can reach the database may do anything anyway. */
async function withKeys(
  { databaseUrl, dataDir, mqttClientId }: Config,
  use: (keys: Keys) => Promise<void>,
): Promise<void> {
  const [{ openEmbedded, openPostgres }, { createApiKey, listApiKeys, revokeApiKey }, { EVERYTHING }] =
    await Promise.all([import('../db/connect.ts'), import('../domain/api-keys.ts'), import('../domain/access.ts')])
  const caller: Caller = { name: 'cli', address: null, authority: EVERYTHING }
  const store = databaseUrl ? await openPostgres(databaseUrl, `${mqttClientId}-keys`) : await openEmbedded(dataDir)
  try {
    await use({
      create: (input) => createApiKey(store, caller, input),
      list: (after) => listApiKeys(store, caller, { after, limit: PAGE, inverted: false }),
      revoke: (id) => revokeApiKey(store, caller, id),
    })
  } finally {
    await store.close()
  }
}

/** A key of the demo, which lives as long as its database. As `curl -u` takes it. */
export async function makeDemoKey(config: Config): Promise<string> {
  let shown = ''
  await withKeys(config, async (keys) => {
    const { apiKey, secret } = expect(await keys.create({ name: 'demo', role: 'admin' }))
    shown = `${apiKey.id}:${secret}`
  })
  return shown
}

async function create(keys: Keys, flags: CreateFlags): Promise<void> {
  const { apiKey, secret } = expect(await keys.create(flags))
  const shown = `${apiKey.id}:${secret}`
  print(
    [
      '',
      `  Key     ${apiKey.id}   (${apiKey.name}: ${describe(apiKey)})`,
      `  Secret  ${secret}   (shown this once)`,
      '',
      `  Authorization: Basic ${Buffer.from(shown).toString('base64')}`,
      '',
      `    curl -u ${shown} http://127.0.0.1:4000/api/v1/commands`,
      '',
    ].join('\n'),
  )
}

async function listAll(keys: Keys): Promise<void> {
  let after: string | undefined
  do {
    const page = await keys.list(after)
    for (const key of page) print([key.id, state(key), describe(key), key.name].join('  '))
    if (!after && page.length === 0)
      print('There are no keys. Make one: fleet-commands keys create --role admin --name me')
    after = page.length === PAGE ? page.at(-1)?.id : undefined
  } while (after)
}

function state({ revokedAt, expiresAt, lastUsedAt }: ApiKey): string {
  if (revokedAt) return `revoked ${revokedAt.toISOString()}`
  if (expiresAt && expiresAt <= new Date()) return `expired ${expiresAt.toISOString()}`
  return lastUsedAt ? `used ${lastUsedAt.toISOString()}` : 'never used'
}

function describe({ role, things, thingTypes, actions }: ApiKey): string {
  const narrowed = Object.entries({ things, types: thingTypes, actions }).flatMap(([what, patterns]) =>
    patterns ? `${what} ${patterns.join(',')}` : [],
  )
  return [role, ...narrowed].join(', ')
}

/** What was done, or an error in the words that API clients get. */
function expect<T>(outcome: Outcome<T>): T {
  if (outcome.ok) return outcome.value
  throw new ConfigError(outcome.errors.map(({ message }) => message).join('\n'))
}

const list = (text: string): string[] => text.split(',').map((pattern) => pattern.trim())

function instant(text: string): Date {
  const at = new Date(text)
  if (Number.isNaN(at.getTime())) throw new InvalidArgumentError('expected an instant such as 2027-01-01T00:00:00Z')
  return at
}
