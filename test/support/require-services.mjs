// `npm run test:services` without services would be the embedded suite under another name: it says so and ends.
const missing = ['DATABASE_URL', 'MQTT_URL'].filter((name) => !process.env[name])
if (missing.length > 0) {
  console.error(`${missing.join(' and ')}: got nothing, expected the URL of a running service, such as`)
  console.error(
    '  DATABASE_URL=postgres://postgres@127.0.0.1:5432/postgres MQTT_URL=mqtt://127.0.0.1:1883 npm run test:services',
  )
  process.exit(1)
}
