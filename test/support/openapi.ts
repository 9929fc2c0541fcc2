/** What an OpenAPI document says of an answer, as a check. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormatsModule from 'ajv-formats'

export type Described = (method: string, path: string, status: number, type: string | null, body: unknown) => void

interface Operation {
  responses: Record<string, { content: Record<string, { schema: unknown }> }>
}

/** A check that throws where an answer is not described, or is not what the document says. Paths that are in none are not checked. */
export function describedBy(document: Record<string, unknown>): Described {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormatsModule.default(ajv)
  ajv.addSchema({ ...document, $id: 'openapi' })
  const paths = document['paths'] as Record<string, Record<string, Operation>>
  return (method, path, status, type, body) => {
    const template = templateOf(path, Object.keys(paths))
    const operation = template === undefined ? undefined : paths[template]?.[method.toLowerCase()]
    if (template === undefined || !operation) return
    const mediaType = type?.split(';')[0] ?? ''
    if (!operation.responses[status]?.content[mediaType]) {
      throw new Error(`${method} ${path}: ${status} ${mediaType} is not described`)
    }
    const pointer = [
      'paths',
      template,
      method.toLowerCase(),
      'responses',
      String(status),
      'content',
      mediaType,
      'schema',
    ]
    const validate = ajv.compile({ $ref: `openapi#/${pointer.map(pointerStep).join('/')}` })
    if (!validate(body)) throw new Error(`${method} ${path}: ${status}: ${ajv.errorsText(validate.errors)}`)
  }
}

const templateOf = (path: string, templates: string[]): string | undefined =>
  templates.find((template) =>
    new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`).test(path.split('?', 1)[0] ?? ''),
  )

/** A step of a JSON Pointer in a URI fragment. */
const pointerStep = (step: string): string => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1'))
