-- Counts of settled executions, kept by the service in the background (src/domain/roll-up.ts). Only added to: a replica of the
-- version before runs beside one of this one, and what it settles is counted like the rest.
CREATE TABLE "execution_stats" (
	"bucket" text NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"status" "execution_status" NOT NULL,
	"action" text NOT NULL,
	"thing_type" text NOT NULL,
	"executions" bigint NOT NULL,
	"steps" smallint[] NOT NULL,
	"step_counts" bigint[] NOT NULL,
	CONSTRAINT "execution_stats_bucket_at_status_action_thing_type_pk" PRIMARY KEY("bucket","at","status","action","thing_type")
) WITH (fillfactor = 70);
--> statement-breakpoint
CREATE TABLE "execution_stats_progress" (
	"only" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"settled_before" timestamp (3) with time zone NOT NULL,
	"began_at" timestamp (3) with time zone NOT NULL,
	"down_to_id" uuid NOT NULL,
	CONSTRAINT "execution_stats_progress_one_row" CHECK ("execution_stats_progress"."only")
);
--> statement-breakpoint
CREATE INDEX "execution_stats_total" ON "execution_stats" USING btree ("bucket","at") WHERE "execution_stats"."action" = '';