/**
 * The hot statements, verbatim, of the version whose last migration was drizzle/0005: what a replica of it runs while one of
 * this version runs beside it. Not to be changed; after the next migration that touches these tables, taken anew.
 */

/** How many migrations it knew. */
export const MIGRATIONS = 6

export const INSERT = `
with clock as (
  select now() as at, (extract(epoch from now()) * 1000000)::bigint as micros
), given as materialized (
  select draft.*, date_trunc('milliseconds', at) as at,
    (time || draft."idEnding")::uuid as id
  from (select at, lpad(to_hex(micros / 1000), 12, '0') || '7' || lpad(to_hex(micros % 1000 * 4096 / 1000), 3, '0') as time from clock) as clock,
  json_to_recordset($1::text::json) as draft("idEnding" text, "thingId" text, "thingRevision" xid,
    "thingType" text, "typeRevision" xid, "thingTypeVersion" text, action text, "paramsText" text, ttl integer,
    "requestedBy" text, "idempotencyKey" text, fingerprint text)
), valid as (
  select * from given
  where "thingRevision" = (select things.xmin from things where things.id = "thingId")
    and ("thingType" is null or "typeRevision" = (select thing_types.xmin from thing_types where name = "thingType"))
), claimed as (
  insert into idempotency_keys (key, fingerprint, execution_id)
  select "idempotencyKey", fingerprint, id from valid where "idempotencyKey" is not null order by "idempotencyKey"
  on conflict do nothing returning execution_id
)
insert into executions (id, command_id, thing_id, thing_type, thing_type_version, action, params, ttl, requested_by, created_at, updated_at, expires_at)
select id, id, "thingId", "thingType", "thingTypeVersion", action, "paramsText"::jsonb, ttl, "requestedBy", at, at, at + make_interval(secs => ttl)
from valid
where "idempotencyKey" is null or id in (select execution_id from claimed)
returning id, created_at as "createdAt"`

export const SETTLE = `
with given as materialized (
  select * from json_to_recordset($1::text::json) as given(
    id uuid, "thingId" text, status execution_status, result jsonb, code text, message text)), taken as (
  delete from executions_open as open using given
  where open.id = given.id and open.thing_id = coalesce(given."thingId", open.thing_id)
  returning open.id,open.command_id,open.created_at,open.expires_at,open.ttl,open.ignored_count,open.no_subscriber,open.thing_id,open.thing_type,open.thing_type_version,open.action,open.requested_by,open.params, open.updated_at, given.status, given.result, given.code, given.message
)
insert into executions (id,command_id,created_at,expires_at,ttl,ignored_count,no_subscriber,thing_id,thing_type,thing_type_version,action,requested_by,params, status,result,reason_code,reason_message,settled_by,settled_at,updated_at)
select id,command_id,created_at,expires_at,ttl,ignored_count,no_subscriber,thing_id,thing_type,thing_type_version,action,requested_by,params, status, result, case when status = 'TIMED_OUT' and no_subscriber then 'NO_SUBSCRIBER' else code end,
  message, $2, clock_timestamp(), greatest(clock_timestamp(), updated_at)
from taken
returning id as "id", command_id as "commandId", created_at as "createdAt", expires_at as "expiresAt", settled_at as "settledAt", updated_at as "updatedAt", status as "status", ttl as "ttl", ignored_count as "ignoredCount", no_subscriber as "noSubscriber", thing_id as "thingId", thing_type as "thingType", thing_type_version as "thingTypeVersion", action as "action", requested_by as "requestedBy", params as "params", result as "result", reason_code as "reasonCode", reason_message as "reasonMessage", settled_by as "settledBy"`

export const SETTLE_EXPIRED = `
with given as materialized (
  select id, thing_id as "thingId", 'TIMED_OUT'::execution_status as status, null::jsonb as result, 'NO_RESPONSE' as code,
    null as message
  from executions_open where status = 'SENT' and expires_at <= now()
  order by expires_at limit $1 for update skip locked), taken as (
  delete from executions_open as open using given
  where open.id = given.id and open.thing_id = coalesce(given."thingId", open.thing_id)
  returning open.id,open.command_id,open.created_at,open.expires_at,open.ttl,open.ignored_count,open.no_subscriber,open.thing_id,open.thing_type,open.thing_type_version,open.action,open.requested_by,open.params, open.updated_at, given.status, given.result, given.code, given.message
)
insert into executions (id,command_id,created_at,expires_at,ttl,ignored_count,no_subscriber,thing_id,thing_type,thing_type_version,action,requested_by,params, status,result,reason_code,reason_message,settled_by,settled_at,updated_at)
select id,command_id,created_at,expires_at,ttl,ignored_count,no_subscriber,thing_id,thing_type,thing_type_version,action,requested_by,params, status, result, case when status = 'TIMED_OUT' and no_subscriber then 'NO_SUBSCRIBER' else code end,
  message, $2, clock_timestamp(), greatest(clock_timestamp(), updated_at)
from taken
returning id as "id", command_id as "commandId", created_at as "createdAt", expires_at as "expiresAt", settled_at as "settledAt", updated_at as "updatedAt", status as "status", ttl as "ttl", ignored_count as "ignoredCount", no_subscriber as "noSubscriber", thing_id as "thingId", thing_type as "thingType", thing_type_version as "thingTypeVersion", action as "action", requested_by as "requestedBy", params as "params", result as "result", reason_code as "reasonCode", reason_message as "reasonMessage", settled_by as "settledBy"`

export const FIND = `select id as "id", command_id as "commandId", created_at as "createdAt", expires_at as "expiresAt", settled_at as "settledAt", updated_at as "updatedAt", status as "status", ttl as "ttl", ignored_count as "ignoredCount", no_subscriber as "noSubscriber", thing_id as "thingId", thing_type as "thingType", thing_type_version as "thingTypeVersion", action as "action", requested_by as "requestedBy", params as "params", result as "result", reason_code as "reasonCode", reason_message as "reasonMessage", settled_by as "settledBy" from executions where id = $1`
