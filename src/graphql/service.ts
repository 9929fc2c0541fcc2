import { builder } from './builder.ts'

/** What a client may want to know of the service before it offers something. */
export interface ServiceFacts {
  version: string
  isGraphiqlOn: boolean
  broker: BrokerFacts
}

interface BrokerFacts {
  isEmbedded: boolean
  url: string
  webSocketPath: string | null
  requiresSecrets: boolean | null
}

const BrokerType = builder.objectRef<BrokerFacts>('Broker').implement({
  description: 'The MQTT broker that devices connect to.',
  fields: (t) => ({
    isEmbedded: t.exposeBoolean('isEmbedded', { description: 'Whether it runs within the service.' }),
    url: t.exposeString('url', {
      description:
        'Where the service finds it, without credentials: mqtt://127.0.0.1:1883. Devices may know it by another address.',
    }),
    webSocketPath: t.exposeString('webSocketPath', {
      nullable: true,
      description:
        "Where the service's own address takes MQTT over WebSocket for the embedded broker: /mqtt. Null: the broker is another one.",
    }),
    requiresSecrets: t.exposeBoolean('requiresSecrets', {
      nullable: true,
      description:
        'Whether a device has to show the secret of its thing. Null: the broker is another one, whose rules are not known here.',
    }),
  }),
})

const ServiceType = builder.objectRef<ServiceFacts>('Service').implement({
  description: 'The service that answers: its version, what it offers, and where devices connect.',
  fields: (t) => ({
    version: t.exposeString('version', { description: 'As package.json has it: 1.2.3.' }),
    isGraphiqlOn: t.exposeBoolean('isGraphiqlOn', { description: 'Whether GraphiQL is served at /graphql.' }),
    broker: t.field({ type: BrokerType, description: 'The MQTT broker.', resolve: ({ broker }) => broker }),
  }),
})

builder.queryFields((t) => ({
  service: t.field({
    authScopes: { read: true },
    type: ServiceType,
    description: 'What this service is.',
    resolve: (_root, _args, { about }) => about,
  }),
}))
