/** Rows of all tables, of every shape that a column may have. */
import type { Store } from '../../src/db/connect.ts'

/** So many executions, with a key for each third one and an ignored response for each tenth; 50 are open. */
export async function fillDatabase({ run }: Pick<Store, 'run'>, executions: number): Promise<void> {
  await run(
    `
    insert into thing_types (name, version, description, commands)
    select 'type-' || n, '1.' || n, case when n > 1 then 'Größe "' || n || E'"\\n\\\\ \\u2028' end, '[{"name": "setTemperature", "paramsSchema": {"maximum": 1e400}}]'
    from generate_series(1, 3) as n`,
    [],
  )
  await run(
    `
    insert into things (id, client_id, thing_type, tags, created_at)
    select 'thing-' || n, 'client-' || n, case when n % 4 > 0 then 'type-' || n % 4 end,
      case when n % 2 = 0 then array['a"b', '{c,d}', 'ü'] else '{}' end, timestamptz '1999-12-31 23:59:59.999Z' + n * interval '1 hour'
    from generate_series(1, 500) as n`,
    [],
  )
  await run(
    `
    insert into thing_presence (thing_id, online, last_seen_at) select 'thing-' || n, nullif(n % 3, 0) = 1, now() from generate_series(1, 100) as n`,
    [],
  )
  for (let from = 1; from <= executions; from += CHUNK)
    await fillExecutions(run, from, Math.min(from + CHUNK - 1, executions), executions)
}

const CHUNK = 20_000
const OPEN = 50

/** One a second, up to now; the first ones are decades old, and one is of a clock that was wrong. */
async function fillExecutions(run: Store['run'], from: number, to: number, all: number): Promise<void> {
  await run(
    `
    with source as (
      select n, n > ${all - OPEN} as is_open, case when n = 2 then timestamptz '2061-05-04 03:02:01.5Z' when n = 1 then timestamptz '1985-10-26Z'
        else date_trunc('milliseconds', now()) - (${all} - n) * interval '1 second' end as at
      from generate_series($1::integer, $2::integer) as n
    ), stored as (
      insert into executions (id, command_id, created_at, expires_at, settled_at, updated_at, status, ttl, ignored_count, no_subscriber, thing_id,
        thing_type, thing_type_version, action, requested_by, params, result, reason_code, reason_message, settled_by, delivery, publish_count, publish_again_at, thing_online)
      select uuid_v7(at), uuid_v7(at), at, at + interval '30 seconds', case when not is_open then at + interval '0.123 seconds' end, at + interval '0.123 seconds',
        case when is_open then 'SENT' else (array['SUCCEEDED','FAILED','REJECTED','TIMED_OUT','CANCELED'])[1 + n % 5] end::execution_status,
        1 + n % 86400, case when n % 10 = 0 then 1 else 0 end, n % 7 = 0, 'thing-' || 1 + n % 500, case when n % 4 > 0 then 'type-' || n % 4 end, case when n % 4 > 0 then '1.0' end,
        case when n % 2 = 0 then 'reboot' else 'setTemperature' end, case when n % 6 = 0 then 'key "a"' end,
        jsonb_build_object('value', 12345678901234567890.123456789::numeric + n, 'text', E'a\\n"ü\\\\ 😀', 'deep', '[1, [2, {"x": null}]]'::jsonb),
        case when not is_open and n % 3 = 0 then '{"currentTemperature": 24.50}'::jsonb when not is_open and n % 3 = 1 then '"text"'::jsonb end,
        case when not is_open and n % 5 <> 0 then 'OVERHEATED' end, case when not is_open and n % 5 = 1 then 'tab' || chr(9) end, case when not is_open then 'replica-1' end,
        case when n % 8 = 0 then 'AT_LEAST_ONCE' end::delivery, case when n % 8 = 0 then n % 9 end, case when is_open and n % 8 = 0 then at + interval '2 seconds' end, nullif(n % 3, 0) = 1
      from source returning id, created_at, ignored_count
    ), numbered as (select *, row_number() over (order by id) as n from stored), keys as (
      insert into idempotency_keys (key, fingerprint, execution_id, created_at)
      select 'key "' || id || '"', md5(id::text), id, created_at from numbered where n % 3 = 0
    )
    insert into ignored_responses (id, execution_id, cause, status, result, reason_code, reason_message, problem, payload, seen_by, received_at)
    select uuid_v7(created_at), id, (array['LATE','REPEATED','MALFORMED'])[1 + n % 3]::ignored_cause, case when n % 3 < 2 then 'FAILED' end::execution_status,
      case when n % 3 = 0 then '[1.10]'::jsonb end, 'X', null, 'problem', E'{"a":\\n', array['replica-1', 'b"c'], created_at
    from numbered where ignored_count > 0`,
    [from, to],
  )
}
