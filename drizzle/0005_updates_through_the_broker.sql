-- The replica that commits a change announces it through the broker; what is lost on that way the others find by
-- comparing versions (domain/reconcile.ts). So nothing is notified here any more, and a commit costs a trigger less.
DROP TRIGGER executions_announce_sent ON executions;
--> statement-breakpoint
DROP TRIGGER executions_announce_update ON executions;
--> statement-breakpoint
DROP FUNCTION announce_changed_executions();
