import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

// A build is for people, also where tests ask for it: with NODE_ENV=test it would have React's checks in it, and twice the size.
if (process.argv.includes('build')) process.env['NODE_ENV'] = 'production'

const SERVICE = process.env['SERVICE_URL'] ?? 'http://127.0.0.1:4000'

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react()],
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    // What knows light-dark(): the colours of both themes are then in one place.
    target: ['chrome123', 'firefox120', 'safari17.5'],
    // Under the page's policy (CSP) nothing may be inline, and fonts and the like come from files.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    port: 5173,
    // The service takes sockets from its own pages only, and asks that of the Origin.
    proxy: Object.fromEntries(
      ['/graphql', '/mqtt'].map((path) => [
        path,
        { target: SERVICE, ws: true, changeOrigin: true, headers: { origin: SERVICE } },
      ]),
    ),
  },
})
