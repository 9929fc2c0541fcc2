# Starts what `npm run test:services` runs on, and sets DATABASE_URL and MQTT_URL for it. Sourced by .ci/run.
# Given URLs are used as they are; else a Postgres that runs on the usual port, else one of our own; and a Mosquitto of our own.

services_dir=$(mktemp -d)
chmod 755 "$services_dir"

free_port() { node -e 'const s=require("node:net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'; }

start_postgres() {
  local port bin
  port=$(free_port)
  bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  install -d -o postgres "$services_dir/postgres"
  su postgres -c "$bin/initdb -A trust -D $services_dir/postgres" >/dev/null
  su postgres -c "$bin/pg_ctl -w -D $services_dir/postgres -l $services_dir/postgres/log -o '-p $port -k $services_dir/postgres' start" >/dev/null
  postgres_stop="su postgres -c '$bin/pg_ctl -m immediate -D $services_dir/postgres stop'"
  SERVICES_DATABASE_URL=postgres://postgres@127.0.0.1:$port/postgres
}

start_mosquitto() {
  local port
  port=$(free_port)
  cat >"$services_dir/mosquitto.conf" <<CONF
listener $port 127.0.0.1
allow_anonymous true
set_tcp_nodelay true
max_queued_messages 100000
persistence false
CONF
  PATH="$PATH:/usr/sbin" mosquitto -c "$services_dir/mosquitto.conf" >"$services_dir/mosquitto.log" 2>&1 &
  mosquitto_pid=$!
  SERVICES_MQTT_URL=mqtt://127.0.0.1:$port
}

stop_services() {
  [ -n "${mosquitto_pid:-}" ] && kill "$mosquitto_pid" 2>/dev/null
  [ -n "${postgres_stop:-}" ] && eval "$postgres_stop" >/dev/null 2>&1
  rm -rf "$services_dir"
}

SERVICES_DATABASE_URL=${DATABASE_URL:-}
SERVICES_MQTT_URL=${MQTT_URL:-}
unset DATABASE_URL MQTT_URL
if [ -z "$SERVICES_DATABASE_URL" ]; then
  if psql -qAt postgres://postgres@127.0.0.1:5432/postgres -c 'select 1' >/dev/null 2>&1; then
    SERVICES_DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres
  else
    start_postgres
  fi
fi
[ -n "$SERVICES_MQTT_URL" ] || start_mosquitto
