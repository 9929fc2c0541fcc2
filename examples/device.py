# pip install paho-mqtt && python3 device.py thermostat-001 127.0.0.1 1883
import json, sys, time
from collections import OrderedDict
import paho.mqtt.client as mqtt

thing, host, port = (sys.argv[1:] + ["thermostat-001", "127.0.0.1", "1883"][len(sys.argv) - 1:])[:3]
executions = f"$emqx/commands/things/{thing}/executions"
answers = OrderedDict()  # executionId -> the answer

def act(action, params):
    if action == "setTemperature":
        return {"status": "SUCCEEDED", "result": {"currentTemperature": params["value"]}}
    return {"status": "REJECTED", "reason": {"code": "ACTION_UNKNOWN", "message": "this device only knows setTemperature"}}

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
client = mqtt.Client(*version, client_id=thing, clean_session=False)
client.on_message = on_message
client.on_connect = lambda *_: client.subscribe(f"{executions}/+/request", qos=1)
client.on_subscribe = lambda client, userdata, mid, codes, *_: print("ready", codes, flush=True)  # 128 means: refused
client.connect(host, int(port))
client.loop_forever()
