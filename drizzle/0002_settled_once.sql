-- An execution settles once (CONTRACT promise 2). The code settles with a guarded UPDATE; this holds whatever the code does.
CREATE FUNCTION refuse_second_settling() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'execution % is settled as % and stays so', OLD.id, OLD.status USING ERRCODE = 'integrity_constraint_violation';
END
$$;
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
