import type { ServiceFacts } from '../../src/graphql/service.ts'

/** Of a service that is built from parts. */
export const ABOUT: ServiceFacts = {
  version: '0.0.0',
  isGraphiqlOn: true,
  broker: { isEmbedded: false, url: 'mqtt://127.0.0.1:1883', webSocketPath: null, requiresSecrets: null },
}
