/** What callers say of things. */
import { builder } from './builder.ts'

const ID_FORMAT = '1 to 128 characters of A-Z, a-z, 0-9, _ . : and -'
const CLIENT_ID_FORMAT = '1 to 128 printable ASCII characters without spaces; no other thing may have it'
const TAGS_FORMAT = 'At most 50, each of 1 to 64 characters'

export const RegisterThingInput = builder.inputType('RegisterThingInput', {
  description: 'A device to register.',
  fields: (t) => ({
    id: t.id({ required: true, description: `${ID_FORMAT}.` }),
    clientId: t.string({ description: `The MQTT clientId it connects with: ${CLIENT_ID_FORMAT}. Absent: its id.` }),
    thingType: t.id({ description: 'The name of its Thing Type. Absent: none.' }),
    tags: t.stringList({ description: `${TAGS_FORMAT}.` }),
    issueSecret: t.boolean({
      defaultValue: false,
      description: 'Whether to issue a secret, which it then has to present to the broker as its MQTT password.',
    }),
  }),
})

export const UpdateThingInput = builder.inputType('UpdateThingInput', {
  description: 'What to change of a thing: what is absent stays.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'Which thing. An id never changes.' }),
    clientId: t.string({ description: `${CLIENT_ID_FORMAT}.` }),
    thingType: t.id({ description: 'The name of its Thing Type; null takes the type away.' }),
    tags: t.stringList({ description: `${TAGS_FORMAT}; they replace those of before.` }),
  }),
})

export const ThingFilter = builder.inputType('ThingFilter', {
  description: 'Each list matches any of its members; fields combine with AND.',
  fields: (t) => ({
    id: t.idList({ description: 'These things.' }),
    idPrefix: t.string({
      description:
        "Things whose ids begin with this: search while somebody types. Empty: all; they come in the order of their characters' codes.",
    }),
    thingType: t.idList({ description: 'Things of these types.' }),
    tag: t.stringList({ description: 'Things that have any of these tags.' }),
    online: t.boolean({ description: 'Things known to be online, or known not to be.' }),
  }),
})
