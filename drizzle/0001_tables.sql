CREATE TYPE "public"."execution_status" AS ENUM('SENT', 'SUCCEEDED', 'FAILED', 'REJECTED', 'TIMED_OUT', 'CANCELED');--> statement-breakpoint
CREATE TYPE "public"."ignored_cause" AS ENUM('LATE', 'REPEATED', 'MALFORMED');--> statement-breakpoint
CREATE TABLE "executions" (
	"id" uuid PRIMARY KEY DEFAULT uuid_v7(now()) NOT NULL,
	"command_id" uuid DEFAULT uuid_v7(now()) NOT NULL,
	"thing_id" text NOT NULL,
	"thing_type" text,
	"thing_type_version" text,
	"action" text NOT NULL,
	"params" jsonb NOT NULL,
	"ttl" integer NOT NULL,
	"status" "execution_status" DEFAULT 'SENT' NOT NULL,
	"reason_code" text,
	"reason_message" text,
	"result" jsonb,
	"requested_by" text,
	"no_subscriber" boolean DEFAULT false NOT NULL,
	"settled_by" text,
	"ignored_count" integer DEFAULT 0 NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	"settled_at" timestamp (3) with time zone,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "executions_ttl" CHECK ("executions"."ttl" between 1 and 86400),
	CONSTRAINT "executions_settled_at" CHECK (("executions"."status" = 'SENT') = ("executions"."settled_at" is null)),
	CONSTRAINT "executions_outcome" CHECK ("executions"."status" <> 'SENT' or ("executions"."result" is null and "executions"."reason_code" is null))
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"key" text PRIMARY KEY NOT NULL,
	"fingerprint" text NOT NULL,
	"execution_id" uuid NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "ignored_responses" (
	"id" uuid PRIMARY KEY DEFAULT uuid_v7(clock_timestamp()) NOT NULL,
	"execution_id" uuid NOT NULL,
	"cause" "ignored_cause" NOT NULL,
	"status" "execution_status",
	"result" jsonb,
	"reason_code" text,
	"reason_message" text,
	"problem" text,
	"payload" text,
	"seen_by" text[] NOT NULL,
	"received_at" timestamp (3) with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "thing_types" (
	"name" text PRIMARY KEY NOT NULL,
	"version" text NOT NULL,
	"description" text,
	"commands" jsonb NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "things" (
	"id" text PRIMARY KEY NOT NULL,
	"client_id" text NOT NULL,
	"thing_type" text,
	"tags" text[] NOT NULL,
	"created_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "things_id_format" CHECK ("things"."id" ~ '^[A-Za-z0-9_.:-]{1,128}$')
);
--> statement-breakpoint
ALTER TABLE "things" ADD CONSTRAINT "things_thing_type_thing_types_name_fk" FOREIGN KEY ("thing_type") REFERENCES "public"."thing_types"("name") ON DELETE restrict ON UPDATE restrict;--> statement-breakpoint
CREATE INDEX "executions_thing" ON "executions" USING btree ("thing_id","id");--> statement-breakpoint
CREATE INDEX "executions_status" ON "executions" USING btree ("status","id");--> statement-breakpoint
CREATE INDEX "executions_action" ON "executions" USING btree ("action","id");--> statement-breakpoint
CREATE INDEX "executions_command" ON "executions" USING btree ("command_id","id");--> statement-breakpoint
CREATE INDEX "executions_updated" ON "executions" USING btree ("updated_at","id");--> statement-breakpoint
CREATE INDEX "executions_open" ON "executions" USING btree ("expires_at") WHERE "executions"."status" = 'SENT';--> statement-breakpoint
CREATE INDEX "ignored_responses_execution" ON "ignored_responses" USING btree ("execution_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "things_client_id" ON "things" USING btree ("client_id");--> statement-breakpoint
CREATE INDEX "things_thing_type" ON "things" USING btree ("thing_type","id");--> statement-breakpoint
CREATE INDEX "things_tags" ON "things" USING gin ("tags");