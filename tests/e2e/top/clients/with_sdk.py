"""Calls the TOP gateway with taobao-sdk-python3, and prints what it answers, one JSON value a call.

Reads one JSON object: server, key, secret, method, and calls, a list of objects of parameters. One of them may be "format": the
client sends and signs it in the body, beside its own "format" in the query. What is no JSON, an XML document, it cannot read.
"""

import json
import sys
from urllib.parse import urlsplit

import top
from top.api.base import RestApi, TopException

order = json.load(sys.stdin)
server = urlsplit(order["server"])


class Request(RestApi):
    def getapiname(self):
        return order["method"]


for parameters in order["calls"]:
    request = Request(server.hostname, server.port)
    request.set_app_info(top.appinfo(order["key"], order["secret"]))
    for name, value in parameters.items():
        setattr(request, name, value)
    try:
        print(json.dumps(request.getResponse()))
    except TopException as error:
        names = {"code": "errorcode", "msg": "message", "sub_code": "subcode", "sub_msg": "submsg"}
        print(json.dumps({"error": {name: getattr(error, known) for name, known in names.items()}}))
    except json.JSONDecodeError as error:
        print(json.dumps({"document": error.doc}))
