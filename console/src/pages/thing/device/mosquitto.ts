/** A device in the shell. Pure: no I/O. */
import { bareHost, type DeviceFacts, executionsOf, SECRET_PLACEHOLDER } from './endpoint.ts'

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** One client ID can be connected once: so it waits for a request, ends, answers, and waits again. The session keeps what comes meanwhile. */
export function mosquittoCode({ thingId, clientId, endpoint, needsSecret }: DeviceFacts): string {
  const options = [
    `-h ${quote(bareHost(endpoint))} -p ${endpoint.port} -i ${quote(clientId)} -c -q 1`,
    ...(needsSecret ? [`-u ${quote(thingId)} -P ${quote(SECRET_PLACEHOLDER)}`] : []),
    ...(endpoint.isTls ? ['--tls-use-os-certs'] : []),
  ].join(' ')
  return `# apt install mosquitto-clients, then: sh device.sh${
    endpoint.isTls ? '\n# For a certificate authority of your own: --cafile ca.pem in place of --tls-use-os-certs' : ''
  }
executions=${quote(executionsOf(thingId))}
known=' ' # requests that were acted on

# What this device does: it shows what it is asked.
act() {
  echo "$1"
}

as_thing() {
  command=$1
  shift
  "$command" ${options} "$@"
}

number() {
  printf '%s' "$payload" | sed -n "s/.*\\"$1\\": *\\([0-9][0-9]*\\).*/\\1/p"
}

while request=$(as_thing mosquitto_sub -C 1 -F '%t %p' -t "$executions/+/request"); do
  topic=\${request%% *}
  payload=\${request#* }
  timestamp=$(number timestamp)
  ttl=$(number ttl)
  if [ "$(date +%s)" -ge "$((\${timestamp:-0} + \${ttl:-0}))" ]; then
    echo "expired, or not a request: $topic"
    continue
  fi
  case $known in
    *" $topic "*) ;; # it comes again: it is answered again, and not done again
    *) known="$known$topic "; act "$payload" ;;
  esac
  as_thing mosquitto_pub -t "\${topic%request}response" -m '{"status":"SUCCEEDED"}'
done
`
}
