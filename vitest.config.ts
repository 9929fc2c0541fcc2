import { fileURLToPath } from 'node:url'
import { configDefaults, defineConfig } from 'vitest/config'

const BROWSER = 'test/browser/**/*.test.ts'

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
          exclude: [...configDefaults.exclude, BROWSER],
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
