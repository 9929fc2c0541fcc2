-- Tells the other replicas which executions changed, in the transaction that changed them: nobody hears of what is not
-- committed (CONTRACT promise 10), and a crash after the commit cannot swallow the news.
-- A payload is `origin|milliseconds|id,id,…`; Postgres takes at most 8,000 bytes, hence the parts of 200 ids.
CREATE FUNCTION announce_changed_executions() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('executions_changed', concat_ws('|',
      current_setting('application_name'),
      floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
      string_agg(id::text, ',')))
  FROM (SELECT id, (row_number() OVER () - 1) / 200 AS part FROM changed) AS parts
  GROUP BY part;
  RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER executions_announce_sent AFTER INSERT ON executions
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION announce_changed_executions();
--> statement-breakpoint
CREATE TRIGGER executions_announce_update AFTER UPDATE ON executions
REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION announce_changed_executions();
