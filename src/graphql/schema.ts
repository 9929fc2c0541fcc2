import { type GraphQLSchema, lexicographicSortSchema, printSchema } from 'graphql'
import { builder } from './builder.ts'
import './thing-type.ts'
import './thing.ts'
import './execution-types.ts'
import './execution.ts'
import './stats.ts'
import './caller.ts'
import './api-key.ts'
import './audit.ts'
import './service.ts'

export const schema: GraphQLSchema = builder.toSchema()

/** The text of `schema.graphql`. */
export const printedSchema = (): string => `${printSchema(lexicographicSortSchema(schema))}\n`
