import type { Sql, TransactionSql } from 'postgres'
import { isConnectionLost } from './errors.ts'

type Work = (sql: TransactionSql) => unknown

/**
 * Where the connection is lost in the middle of a transaction, postgres.js would write a ROLLBACK into a socket that is
 * gone, and that ends the process (porsager/postgres#1208). There is nothing to roll back by then: what was asked for
 * stays without an answer, and `begin` rejects by itself as the connection closes.
 */
export function leaveLostTransactions(client: Sql): void {
  const begin: Sql['begin'] = client.begin.bind(client)
  const beginGuarded = (work: Work) =>
    begin(async (sql) => {
      try {
        return await work(sql)
      } catch (error) {
        if (isConnectionLost(error)) return new Promise(() => {})
        throw error
      }
    })
  Object.assign(client, { begin: beginGuarded })
}
