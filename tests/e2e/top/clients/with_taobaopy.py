"""Calls the TOP gateway with taobaopy, and prints what it answers, one JSON value a call.

Reads one JSON object: server, key, secret, method, and calls, a list of objects of parameters.
"""

import json
import sys
import time

from taobaopy.taobao import TaoBaoAPIClient, TaoBaoAPIError

order = json.load(sys.stdin)
# One try: what would make it try again is what the test wants to see.
client = TaoBaoAPIClient(order["key"], order["secret"], domain=order["server"], retry_count=1)
# It turns the name of a function into that of a method.
first, rest = order["method"].split(".", 1)
call = getattr(client, first + "__" + rest.replace(".", "_"))
for parameters in order["calls"]:
    try:
        # Its times are whole seconds, and the same call twice in one second is a call sent twice. What tells them apart is signed
        # and not read.
        print(json.dumps(call(partner_id=time.time_ns(), **parameters)))
    except TaoBaoAPIError as error:
        names = ("code", "msg", "sub_code", "sub_msg", "request_id")
        print(json.dumps({"error": {name: getattr(error, name) for name in names}}))
