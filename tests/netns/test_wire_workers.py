#!/usr/bin/env python3
"""A gateway with attach = wire and two threads that carry packets: each has sockets of its own on both interfaces, by AF_PACKET
and by AF_XDP, and its half of the SAs and of the flows.

    left ─── gate ═══════ router ═══════ far ─── right
           (wire)     (looks at the wire)  (host)
"""
import json
import sys

from lib import Lab, check, say, until
from wire_gateway import config, network
from workers import FLOWS, adds_up, both_worked, carry, drops, told, workers

INSIDE = {4: ("10.1.0.9", "10.2.0.9"), 6: ("fd01::9", "fd02::9")}
ENDS = {4: ("192.0.2.1", "198.51.100.2"), 6: ("2001:db8:1::1", "2001:db8:2::2")}
KEY = f"-E aes-gcm-16 0x{'3c' * 20}"
STAGES = (("ESP", 4, "esp", ("IPv4 ESP",)), ("ESP over IPv6", 6, "esp", ("IPv6 ESP",)), ("ESP in UDP", 4, "esp-udp", ("IPv4 UDP ESP",)))


def script(family, kind, directions):
    """SAs of their own for each port and for echoes, of even and of odd SPIs in either direction; every other one with a small
    window, for which workers take turns."""
    ends, inside, text = ENDS[family], INSIDE[family], "flush; spdflush;\n"
    at = "[4500]" if kind == "esp-udp" else ""
    for flow in range(FLOWS + 1):
        port = f"[{5001 + flow}]" if flow < FLOWS else ""
        what = "tcp" if flow < FLOWS else "icmp6" if family == 6 else "icmp"
        for way, direction in enumerate(directions):
            number = 0x1000 + 4 * flow + 2 * way + (flow // 2 + way) % 2
            a, b = ends[way], ends[1 - way]
            ports = ("", port) if way == 0 else (port, "")
            window = 4 if flow % 2 else 128
            text += f"add {a} {at} {b} {at} {kind} {number} -u {number} -r {window} -m tunnel {KEY};\n"
            text += (f"spdadd {inside[way]} {ports[0]} {inside[1 - way]} {ports[1]} {what} -P {direction} "
                     f"ipsec esp/tunnel/{a}-{b}/unique:{number};\n")
    return text


def stage(wire, left, gate, far, right, name, family, kind, seen_as):
    say(name)
    gate.setkey(script(family, kind, ("out", "in")))
    far.setkey(script(family, kind, ("in", "out")))
    left.ping(INSIDE[family][1], count=1)  # neighbours are known from here on
    before = workers(gate)
    with wire.capture() as seen:
        for _ in range(5):  # among the queues of AF_XDP each sender divides as chance has it
            carry(left, right, INSIDE[family][1], megabytes=1)
            if all(now["from_wire"] > then["from_wire"] for now, then in zip(workers(gate), before)):
                break
    seen.only(*seen_as)
    both_worked(gate, before)
    check(not drops(gate), "the gateway dropped nothing", gate.testudo("drops"))
    check(not drops(far), "nor did its peer", far.testudo("drops"))
    adds_up(gate)


ONE_SA = f"""
flush; spdflush;
add 192.0.2.1 198.51.100.2 esp 0x2000 -m tunnel -r 4 {KEY};
spdadd 10.1.0.9 10.2.0.9[7007] udp -P %s ipsec esp/tunnel/192.0.2.1-198.51.100.2/require;
"""
SENDER = """
import socket
flows = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(16)]
for flow in flows: flow.connect(('10.2.0.9', 7007))
for _ in range(400):
    for flow in flows: flow.send(bytes(200))
"""


def small_window(left, gate, far, right):
    say("one SA with a small window, sealed by both in turns")
    for node, way in ((gate, "out"), (far, "in")):
        node.setkey(ONE_SA % way)
    # Somebody reads nothing, so that no ICMP error comes back.
    sink = right.popen(sys.executable, "-c", "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                       "s.bind(('10.2.0.9', 7007)); print('bound', flush=True); time.sleep(600)", stdout=-1, text=True)
    sink.stdout.readline()
    before, at_far = workers(gate), told(far, "status")["packets"]["to_host"]
    left.exec(sys.executable, "-c", SENDER)
    lost = lambda: sum(drops(node).get(reason, 0) for node in (gate, far) for reason in ("ReceiveQueueFull", "Replayed"))
    until(lambda: told(far, "status")["packets"]["to_host"] - at_far + lost() >= 16 * 400)
    sealed = [now["from_host"] - then["from_host"] for now, then in zip(workers(gate), before)]
    check(min(sealed) > 0, f"both workers of the gateway sealed: {sealed}")
    check(drops(far).get("Replayed", 0) == 0, "and none came too late for its peer", far.testudo("drops"))
    sink.kill()
    sink.wait()


def gateway(way):
    say(f"==== by {way}")
    with Lab() as lab:
        left, gate, wire, far, right = network(lab, way)
        for node in (left, right):
            node.sysctl("net.ipv4.tcp_rmem", "4096 65536 131072")  # so little that no queue is ever full
        if way == "xdp":  # a socket for each queue, each queue of a worker; who sends chooses among his own
            for node, device in ((gate, "to-left"), (gate, "to-router")):
                node.exec("ethtool", "-L", device, "rx", "2", "tx", "2")
            for node, device in ((left, "to-gate"), (wire.node, "to-gate")):
                node.exec("ethtool", "-L", device, "rx", "2", "tx", "2")
        gate.start_testudod(config(way), arguments=("--workers", "2"))
        far.start_testudod()
        sockets = {i["name"]: i["sockets"] for i in json.loads(gate.testudo("--json", "status"))["host"]["interfaces"]}
        check(set(sockets.values()) == {4 if way == "packet" else 2}, "each worker has its sockets on each interface", sockets)
        for one in STAGES:
            stage(wire, left, gate, far, right, *one)
        small_window(left, gate, far, right)
        check(gate.stop_testudod() == 0, "it ends at SIGTERM")


def main():
    for way in ("packet", "xdp"):
        gateway(way)


if __name__ == "__main__":
    sys.exit(main())
