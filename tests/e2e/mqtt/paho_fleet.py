"""A fleet on paho-mqtt: every device has a durable session, half of them lose their connection and come back.

    paho_fleet.py PORT DEVICES

Devices are d1, d2 and so on, each with the token "token-" and its uuid. A device answers its command with downloading,
installing and succeeded. Of four devices one loses its connection before any command is sent and is away when its own
comes; another has its command, has said downloading, and loses the connection before it has acknowledged anything, so that
the broker must give it the command again. A connection is lost without a word: the socket closes.

Says "listening" when every session stands, and ends when every device has reported; the last line is JSON.
"""

import heapq
import json
import selectors
import socket
import sys
import time

import paho.mqtt.client as mqtt

# How long a device stays away, in seconds, and how long everything may take.
AWAY_S = 1.5
LIMIT_S = 90


class Device:
    """One device and its connection."""

    def __init__(self, fleet, number):
        self.fleet = fleet
        self.uuid = f"d{number}"
        self.leaves_early = number % 4 == 1
        self.leaves_at_work = number % 4 == 3
        self.deliveries = 0
        self.unconfirmed = set()
        self.has_begun = self.has_left = self.has_reported = False
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, self.uuid, clean_session=False, manual_ack=True
        )
        self.client.username_pw_set(self.uuid, f"token-{self.uuid}")
        self.client.on_connect = self.connected
        self.client.on_subscribe = self.subscribed
        self.client.on_message = self.received
        self.client.on_publish = self.published
        self.client.on_socket_open = lambda _client, _data, sock: fleet.watch(self, sock)
        self.client.on_socket_close = lambda _client, _data, sock: fleet.unwatch(sock)

    def connect(self):
        self.client.connect("127.0.0.1", self.fleet.port, keepalive=60)

    def connected(self, _client, _data, _flags, reason, _properties):
        if reason.is_failure:
            raise SystemExit(f"{self.uuid} was refused: {reason}")
        self.client.subscribe(f"devices/{self.uuid}/commands", qos=1)

    def subscribed(self, _client, _data, _mid, reasons, _properties):
        if reasons[0].is_failure:
            raise SystemExit(f"{self.uuid} may not listen: {reasons[0]}")
        self.fleet.listening.add(self.uuid)

    def received(self, client, _data, message):
        self.deliveries += 1
        command = json.loads(message.payload)
        if not self.has_begun:
            self.has_begun = True
            self.report(command, "downloading")
            if self.leaves_at_work:
                self.fleet.later(0.05, self.leave)
        if self.leaves_at_work and not self.has_left:
            return
        if not self.has_reported:
            self.report(command, "installing")
            self.report(command, "succeeded", firmware_version=command["firmware"]["version"])
            self.has_reported = True
        # The same command and attempt again: nothing is done twice.
        client.ack(message.mid, message.qos)

    def report(self, command, status, **more):
        report = {"v": 1, "command_id": command["command_id"], "attempt": command["attempt"], "status": status, **more}
        sent = self.client.publish(f"devices/{self.uuid}/reports", json.dumps(report), qos=1)
        self.unconfirmed.add(sent.mid)

    def published(self, _client, _data, mid, _reason, _properties):
        self.unconfirmed.discard(mid)

    def leave(self):
        """Loses the connection without a word, and comes back."""
        self.fleet.drops += 1
        self.has_left = True
        sock = self.client.socket()
        sock.shutdown(socket.SHUT_RDWR)
        self.client.loop_read()
        self.fleet.later(AWAY_S, self.client.reconnect)

    @property
    def is_done(self):
        return self.has_reported and not self.unconfirmed


class Fleet:
    """All devices in one thread: a loop over their sockets, and what is to happen later."""

    def __init__(self, port, count):
        self.port = port
        self.listening = set()
        self.drops = 0
        self.timers = []
        self.selector = selectors.DefaultSelector()
        self.devices = [Device(self, number) for number in range(1, count + 1)]

    def watch(self, device, sock):
        self.selector.register(sock, selectors.EVENT_READ, device)

    def unwatch(self, sock):
        self.selector.unregister(sock)

    def later(self, seconds, what):
        heapq.heappush(self.timers, (time.monotonic() + seconds, id(what), what))

    def run_until(self, is_over):
        began = checked = time.monotonic()
        while not is_over():
            now = time.monotonic()
            if now - began > LIMIT_S:
                raise SystemExit(f"not over after {LIMIT_S} s: {self.summary()}")
            while self.timers and self.timers[0][0] <= now:
                heapq.heappop(self.timers)[2]()
            for key, _events in self.selector.select(timeout=0.02):
                key.data.client.loop_read()
            for device in self.devices:
                if device.client.want_write():
                    device.client.loop_write()
            if now - checked > 1:
                checked = now
                for device in self.devices:
                    device.client.loop_misc()

    def summary(self):
        return {
            "devices": len(self.devices),
            "drops": self.drops,
            "deliveries": sum(device.deliveries for device in self.devices),
            "done": sum(device.is_done for device in self.devices),
        }

    def run(self):
        for device in self.devices:
            device.connect()
        self.run_until(lambda: len(self.listening) == len(self.devices))
        for device in self.devices:
            if device.leaves_early:
                device.leave()
        print("listening", flush=True)
        self.run_until(lambda: all(device.is_done for device in self.devices))
        for device in self.devices:
            device.client.disconnect()
        print(json.dumps(self.summary()), flush=True)


Fleet(int(sys.argv[1]), int(sys.argv[2])).run()
