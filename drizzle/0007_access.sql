-- Who may do what: keys of callers, secrets of things, and who did what. Only added to: a replica of the version before runs
-- beside one of this one.
CREATE TABLE "api_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"secret_hash" text NOT NULL,
	"name" text NOT NULL,
	"role" text NOT NULL,
	"things" text[],
	"thing_types" text[],
	"actions" text[],
	"created_by" text,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	"last_used_at" timestamp (3) with time zone,
	CONSTRAINT "api_keys_role" CHECK ("api_keys"."role" in ('viewer', 'operator', 'admin'))
);
--> statement-breakpoint
CREATE TABLE "audit_events" (
	"id" uuid PRIMARY KEY DEFAULT uuid_v7(clock_timestamp()) NOT NULL,
	"action" text NOT NULL,
	"actor" text,
	"address" text,
	"target" text NOT NULL,
	"request_id" text,
	"details" jsonb,
	"at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "thing_secrets" (
	"thing_id" text PRIMARY KEY NOT NULL,
	"hash" text NOT NULL,
	"issued_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "requested_from" text;--> statement-breakpoint
ALTER TABLE "thing_secrets" ADD CONSTRAINT "thing_secrets_thing_id_things_id_fk" FOREIGN KEY ("thing_id") REFERENCES "public"."things"("id") ON DELETE cascade ON UPDATE cascade;--> statement-breakpoint
CREATE INDEX "audit_events_actor" ON "audit_events" USING btree ("actor","id");--> statement-breakpoint
CREATE INDEX "audit_events_target" ON "audit_events" USING btree ("target","id");