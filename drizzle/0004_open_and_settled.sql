-- Open executions in one small table, settled ones in partitions by time, both under the name `executions`.
--
-- An UPDATE leaves a dead row behind and a second entry in each index, which a table that is only ever added to would keep
-- as holes. Here the dead rows are those of `executions_open`, where new ones take their place; `executions_settled` gets
-- each execution once. Its partitions leave whole (src/db/partitions.ts), and what is open is never among them.
-- Drizzle knows none of this: for it `executions` is a table with all the indexes of src/db/schema.ts.
CREATE FUNCTION lowest_uuid_v7(at timestamptz) RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT rpad(lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;
--> statement-breakpoint
DROP INDEX executions_open;
--> statement-breakpoint
ALTER TABLE executions RENAME TO executions_before;
--> statement-breakpoint
ALTER TABLE ignored_responses RENAME TO ignored_responses_before;
--> statement-breakpoint
CREATE TABLE executions (
	"id" uuid DEFAULT uuid_v7(now()) NOT NULL,
	"command_id" uuid DEFAULT uuid_v7(now()) NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"settled_at" timestamp (3) with time zone,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"status" "execution_status" DEFAULT 'SENT' NOT NULL,
	"ttl" integer NOT NULL,
	"ignored_count" integer DEFAULT 0 NOT NULL,
	"no_subscriber" boolean DEFAULT false NOT NULL,
	"thing_id" text NOT NULL,
	"thing_type" text,
	"thing_type_version" text,
	"action" text NOT NULL,
	"requested_by" text,
	"params" jsonb NOT NULL,
	"result" jsonb,
	"reason_code" text,
	"reason_message" text,
	"settled_by" text,
	CONSTRAINT "executions_ttl" CHECK ("ttl" between 1 and 86400),
	CONSTRAINT "executions_settled_at" CHECK (("status" = 'SENT') = ("settled_at" is null)),
	CONSTRAINT "executions_outcome" CHECK ("status" <> 'SENT' or ("result" is null and "reason_code" is null))
) PARTITION BY LIST (status);
--> statement-breakpoint
-- It is written anew every few seconds: it is cleaned by number of dead rows, and not by their share in a table that may be small.
CREATE TABLE executions_open PARTITION OF executions FOR VALUES IN ('SENT')
WITH (autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 0);
--> statement-breakpoint
CREATE TABLE executions_settled PARTITION OF executions
FOR VALUES IN ('SUCCEEDED', 'FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED') PARTITION BY RANGE (id);
--> statement-breakpoint
CREATE TABLE ignored_responses (
	"id" uuid DEFAULT uuid_v7(clock_timestamp()) NOT NULL,
	"execution_id" uuid NOT NULL,
	"cause" "ignored_cause" NOT NULL,
	"status" "execution_status",
	"result" jsonb,
	"reason_code" text,
	"reason_message" text,
	"problem" text,
	"payload" text,
	"seen_by" text[] NOT NULL,
	"received_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "ignored_responses_execution_id_id_pk" PRIMARY KEY ("execution_id", "id")
) PARTITION BY RANGE (execution_id);
--> statement-breakpoint
-- Everything up to the Monday after next. What follows, the service creates ahead.
CREATE FUNCTION create_first_partitions() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  newest timestamptz := (SELECT to_timestamp(('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)
    FROM executions_before ORDER BY id DESC LIMIT 1);
  -- An id from a clock that was wrong once may be of any time to come.
  until timestamptz := date_trunc('week', greatest(now(), newest), 'UTC') + interval '2 weeks';
BEGIN
  EXECUTE format('CREATE TABLE executions_until_%s PARTITION OF executions_settled FOR VALUES FROM (MINVALUE) TO (%L)',
    to_char(until AT TIME ZONE 'UTC', 'YYYYMMDD'), lowest_uuid_v7(until));
  EXECUTE format('CREATE TABLE ignored_responses_until_%s PARTITION OF ignored_responses FOR VALUES FROM (MINVALUE) TO (%L)',
    to_char(until AT TIME ZONE 'UTC', 'YYYYMMDD'), lowest_uuid_v7(until));
END
$$;
--> statement-breakpoint
SELECT create_first_partitions();
--> statement-breakpoint
DROP FUNCTION create_first_partitions();
--> statement-breakpoint
INSERT INTO executions (id, command_id, created_at, expires_at, settled_at, updated_at, status, ttl, ignored_count, no_subscriber,
  thing_id, thing_type, thing_type_version, action, requested_by, params, result, reason_code, reason_message, settled_by)
SELECT id, command_id, created_at, expires_at, settled_at, updated_at, status, ttl, ignored_count, no_subscriber,
  thing_id, thing_type, thing_type_version, action, requested_by, params, result, reason_code, reason_message, settled_by
FROM executions_before ORDER BY id;
--> statement-breakpoint
INSERT INTO ignored_responses (id, execution_id, cause, status, result, reason_code, reason_message, problem, payload, seen_by, received_at)
SELECT id, execution_id, cause, status, result, reason_code, reason_message, problem, payload, seen_by, received_at
FROM ignored_responses_before;
--> statement-breakpoint
DROP TABLE executions_before;
--> statement-breakpoint
DROP TABLE ignored_responses_before;
--> statement-breakpoint
-- After the rows: an index that is built at once is built faster, and denser.
ALTER TABLE executions_open ADD CONSTRAINT executions_open_pkey PRIMARY KEY (id);
--> statement-breakpoint
ALTER TABLE executions_settled ADD CONSTRAINT executions_settled_pkey PRIMARY KEY (id);
--> statement-breakpoint
CREATE INDEX "executions_thing" ON "executions" USING btree (hashtextextended("thing_id", 0), "id", "status", hashtext("action"));
--> statement-breakpoint
CREATE INDEX "executions_action" ON "executions" USING btree (hashtextextended("action", hashenum("status")), "id");
--> statement-breakpoint
CREATE INDEX "executions_command" ON "executions" USING btree ("command_id", "id") WHERE "command_id" <> "id";
--> statement-breakpoint
CREATE INDEX "executions_updated" ON "executions" USING btree ("updated_at");
--> statement-breakpoint
CREATE INDEX "executions_due" ON "executions_open" USING btree ("expires_at") WHERE "status" = 'SENT';
--> statement-breakpoint
CREATE INDEX "executions_succeeded" ON "executions_settled" USING btree ("id") WHERE "status" = 'SUCCEEDED';
--> statement-breakpoint
CREATE INDEX "executions_status" ON "executions_settled" USING btree ("status", "id") WHERE "status" <> 'SUCCEEDED';
--> statement-breakpoint
CREATE INDEX "idempotency_keys_execution" ON "idempotency_keys" USING btree ("execution_id");
--> statement-breakpoint
ANALYZE executions;
--> statement-breakpoint
CREATE TRIGGER executions_settled_once BEFORE UPDATE ON executions
FOR EACH ROW
WHEN (OLD.status <> 'SENT' AND (
  NEW.status IS DISTINCT FROM OLD.status
  OR NEW.settled_at IS DISTINCT FROM OLD.settled_at
  OR NEW.result IS DISTINCT FROM OLD.result
  OR NEW.reason_code IS DISTINCT FROM OLD.reason_code
  OR NEW.reason_message IS DISTINCT FROM OLD.reason_message))
EXECUTE FUNCTION refuse_second_settling();
--> statement-breakpoint
CREATE TRIGGER executions_announce_sent AFTER INSERT ON executions
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION announce_changed_executions();
--> statement-breakpoint
CREATE TRIGGER executions_announce_update AFTER UPDATE ON executions
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION announce_changed_executions();
