-- What AT_LEAST_ONCE needs, and what is known of things being connected. Only added to, and null in most rows: a replica of
-- the version before runs beside one of this one.
CREATE TYPE "public"."delivery" AS ENUM('AT_MOST_ONCE', 'AT_LEAST_ONCE');--> statement-breakpoint
CREATE TABLE "thing_presence" (
	"thing_id" text PRIMARY KEY NOT NULL,
	"online" boolean,
	"last_seen_at" timestamp (3) with time zone,
	"updated_at" timestamp (3) with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "delivery" "delivery";--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "publish_count" integer;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "publish_again_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "executions" ADD COLUMN "thing_online" boolean;--> statement-breakpoint
ALTER TABLE "thing_presence" ADD CONSTRAINT "thing_presence_thing_id_things_id_fk" FOREIGN KEY ("thing_id") REFERENCES "public"."things"("id") ON DELETE cascade ON UPDATE cascade;--> statement-breakpoint
CREATE INDEX "executions_publish_again" ON "executions_open" USING btree ("publish_again_at") WHERE "publish_again_at" is not null;
--> statement-breakpoint
CREATE INDEX "things_updated" ON "things" USING btree ("updated_at");
--> statement-breakpoint
CREATE INDEX "thing_presence_updated" ON "thing_presence" USING btree ("updated_at");
