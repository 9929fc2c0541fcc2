import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const BROWSER = 'test/browser/**/*.test.ts'
/** What runs on no database and no broker, or brings its own: no different on other engines. */
const ON_NO_ENGINE = [
  'test/{base,console,http,protocol,torture}/**',
  'test/{cli,schema}.test.ts',
  'test/db/embedded-statements.test.ts',
  'test/domain/{admission,group-commit,live,rate-limit,round-trips,schema-checks,signal,stats-range}.test.ts',
  'test/graphql/literals.test.ts',
  'test/mqtt/{broker,packets}.test.ts',
  'test/service/renewed-certificates.test.ts',
]
/** Each says by itself how many replicas it has: no different with REPLICAS=2. */
const HAS_ITS_REPLICAS =
  'test/behaviour/{drain,live-updates,overload,presence-emqx,races,replicas,restart,shared-group}.test.ts'
const { CI, DATABASE_URL, MQTT_URL, REPLICAS } = process.env
/** .ci/run runs the suite three times, and what is the same in each of them once. */
const SAME_AGAIN = [
  ...(CI && DATABASE_URL && MQTT_URL ? ON_NO_ENGINE : []),
  ...(CI && Number(REPLICAS ?? 1) > 1 ? [HAS_ITS_REPLICAS] : []),
]

export default defineConfig({
  // What Node takes: Vite takes index.mjs, a second copy, whose GraphQLError is not that of the libraries.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve('graphql')) }] },
  test: {
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'service',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, BROWSER, ...SAME_AGAIN],
          // Each file has a service of its own, with a database inside, and waits for it half of the time.
          maxWorkers: 3,
          // What is imported is imported once for many files: half of the time of a run. Modules keep caches, and nothing else.
          isolate: false,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        // After the others: a page is judged by its speed, and a browser is several processes by itself.
        test: { name: 'browser', include: [BROWSER], maxWorkers: 2, sequence: { groupOrder: 1 } },
      },
    ],
  },
})
