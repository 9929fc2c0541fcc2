/** A device in Python. Pure: no I/O. */
import { bareHost, type DeviceFacts, executionsOf, SECRET_PLACEHOLDER } from './endpoint.ts'

/** Of printable ASCII, in which JSON and Python agree. */
const quote = (text: string): string => JSON.stringify(text)

export function pythonCode({ thingId, clientId, endpoint, needsSecret }: DeviceFacts): string {
  const login = needsSecret ? `\nclient.username_pw_set(${quote(thingId)}, ${quote(SECRET_PLACEHOLDER)})` : ''
  const trust = endpoint.isTls
    ? '\nclient.tls_set()  # for a certificate authority of your own: tls_set(ca_certs="ca.pem")'
    : ''
  return `# pip install paho-mqtt, then: python3 device.py
import json, time
from collections import OrderedDict
import paho.mqtt.client as mqtt

executions = ${quote(executionsOf(thingId))}
answers = OrderedDict()  # executionId -> the answer

# What this device does: it says that it did it, and gives back what it was asked with.
def act(action, params):
    print(action, params, flush=True)
    return {"status": "SUCCEEDED", "result": params}

def answer(request):
    try:
        return act(request["action"], request["params"])
    except Exception as error:
        return {"status": "FAILED", "reason": {"code": "DEVICE_ERROR", "message": repr(error)[:1024]}}

def on_message(client, userdata, message):
    execution_id = message.topic.split("/")[-2]
    try:
        request = json.loads(message.payload)
        expired = time.time() >= request["timestamp"] + request["ttl"]
    except (ValueError, TypeError, KeyError):
        return print("not a request:", execution_id, flush=True)
    if expired:
        return print("expired", execution_id, flush=True)
    if execution_id not in answers:
        answers[execution_id] = answer(request)
        if len(answers) > 1000:
            answers.popitem(last=False)
    client.publish(f"{executions}/{execution_id}/response", json.dumps(answers[execution_id]), qos=1)

version = [mqtt.CallbackAPIVersion.VERSION2] if hasattr(mqtt, "CallbackAPIVersion") else []  # paho-mqtt 2, or 1.6
client = mqtt.Client(*version, client_id=${quote(clientId)}, clean_session=False)${login}${trust}
client.on_message = on_message
client.on_connect = lambda *_: client.subscribe(f"{executions}/+/request", qos=1)
client.on_subscribe = lambda client, userdata, mid, codes, *_: print("ready", codes, flush=True)  # 128 means: refused
client.connect(${quote(bareHost(endpoint))}, ${endpoint.port})
client.loop_forever()
`
}
