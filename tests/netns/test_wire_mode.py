#!/usr/bin/env python3
"""attach = wire: a gateway that forwards between two interfaces by itself, by AF_XDP and by AF_PACKET, against one that leaves
that to the kernel.

    left ─── gate ═══════ router ═══════ far ─── right
           (wire)     (looks at the wire)  (host)
"""
import json
import signal
import struct
import sys

from lib import BIN, Lab, check, say, transfer, until
from wire_gateway import DEVICES, KEY, config, network, policies


def taken(node, device, way):
    """Whether something in front of the kernel turns frames of the device over to a testudod, alive or not."""
    if way == "xdp":
        return "prog/xdp" in node.ip("link", "show", device)
    return f'"{device}"' in node.exec("nft", "list", "chains", "netdev").stdout


def tunnels(left, gate, wire, right, way):
    say("Through the tunnel, though the kernel of the gateway forwards nothing")
    for address in ("10.2.0.9", "fd02::9"):
        with wire.capture() as seen:
            left.ping(address, size=1000)
            transfer(left, right, address, megabytes=10)
            transfer(right, left, {"10.2.0.9": "10.1.0.9", "fd02::9": "fd01::9"}[address], megabytes=10)
        seen.only("IPv4 ESP" if "." in address else "IPv6 ESP")
    status = gate.testudo("status")
    check("wire" in status and "to-left" in status and "to-router" in status, "the status says how it is attached, and where", status)
    ways = {i["name"]: i["io"].split(",")[0] for i in json.loads(gate.testudo("--json", "status"))["host"]["interfaces"]}
    check(ways == {device: way for device in DEVICES}, f"and by what: {way}", str(ways))


def in_udp(left, gate, wire, far, right):
    say("ESP in UDP, which may travel as super-packets")
    for node in (gate, far):
        node.setkey(f"""flush;
            add 192.0.2.1 [4500] 198.51.100.2 [4500] esp-udp 0x2001 -m tunnel {KEY}
            add 198.51.100.2 [4500] 192.0.2.1 [4500] esp-udp 0x2002 -m tunnel {KEY}""")
    with wire.capture() as seen:
        transfer(left, right, "10.2.0.9", megabytes=10)
        transfer(right, left, "10.1.0.9", megabytes=10)
    seen.only("IPv4 UDP ESP")


def to_itself(left, gate, wire, far, right):
    say("What is the gateway's own stays its kernel's")
    with wire.capture() as seen:
        right.ping("10.1.0.1")
        right.ping("fd01::1")
        check(gate.exec("ping", "-n", "-c", "1", "-W", "5", "-I", "10.1.0.1", "10.2.0.9", check=False).returncode == 0,
              "the gateway's own ping is answered")
    seen.only("IPv4 ESP", "IPv6 ESP")
    for address in ("10.1.0.1", "fd01::1"):
        left.ping(address)
    for address in ("192.0.2.1", "2001:db8:1::1"):
        far.ping(address)
    transfer(left, gate, "10.1.0.1", megabytes=1)
    listen = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\ns.bind(('', %d))\nprint('bound', flush=True)\n"
              "s.settimeout(20)\nprint(s.recv(99).hex(), flush=True)")
    tell = "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.sendto(bytes.fromhex('%s'), ('192.0.2.1', %d))"
    for port, message in ((500, "aa" * 28), (4500, "00000000" + "aa" * 28)):
        daemon = gate.popen(sys.executable, "-c", listen % port, stdout=-1, text=True)
        daemon.stdout.readline()
        far.exec(sys.executable, "-c", tell % (message, port))
        check(daemon.stdout.readline().strip() == message, f"a message of IKE to port {port} reaches a program on the gateway")
        daemon.wait()


def by_policy(left, gate, wire, right):
    say("Policies that protect nothing")
    with wire.capture() as seen:
        transfer(left, right, "10.2.0.9", megabytes=1, port=7777)
    seen.only("IPv4 TCP")
    with wire.capture() as seen:
        check(left.unheard("10.2.0.9", 7778), "what is discarded is not answered")
    check(not [f for f in seen.frames if 7778 in struct.unpack("!HH", f[20:24])] and "IPv4 ESP" not in seen.packets, "nor seen on the wire")
    check("PolicyDiscard" in gate.testudo("drops"), "and the drops count it")


SPOOF = """
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
to = socket.inet_aton("10.2.0.9")
s.sendto(struct.pack("!BBHHHBBH", 0x45, 0, 28, 1, 0, 64, 17, 0) + socket.inet_aton("10.1.0.1") + to + struct.pack("!HHHH", 9, 9, 8, 0), ("10.2.0.9", 0))
"""


TAGGED = """
import socket, struct
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("to-gate", 0))
words = [0x4500, 40, 1, 0, 0x4006, 0, 0x0a01, 9, 0x0a02, 9]
words[5] = 0xffff - sum(words)  # below 0x10000: nothing to carry
packet = struct.pack("!10H", *words) + struct.pack("!HHIIBBHHH", 9, 7777, 0, 0, 0x50, 2, 0, 0, 0)
s.send(bytes.fromhex("%s") + bytes(6) + struct.pack("!HHH", 0x8100, 7, 0x0800) + packet + bytes(32))
"""


def of_other_networks(left, gate, wire):
    mac = gate.exec("cat", "/sys/class/net/to-left/address").stdout.strip().replace(":", "")
    with wire.capture() as seen:
        left.exec(sys.executable, "-c", TAGGED % mac)
        left.ping("10.2.0.9", count=1)
    seen.only("IPv4 ESP")  # of the ping; the frame of another network had a port that goes in clear


def as_a_router(left, gate, wire):
    say("As routers do")
    with wire.capture() as seen:
        left.exec(sys.executable, "-c", SPOOF)
        until(lambda: "Martian" in gate.testudo("drops"))
    seen.nothing()
    check("Martian" in gate.testudo("drops"), "what claims to come from the gateway itself is dropped")
    done = left.exec("ping", "-n", "-c", "1", "-W", "5", "-t", "1", "10.2.0.9", check=False).stdout
    check("From 10.1.0.1" in done and "Time to live exceeded" in done, "a TTL that runs out is told of", done)
    done = left.exec("ping", "-n", "-c", "1", "-W", "5", "-t", "1", "fd02::9", check=False).stdout
    check("From fd01::1" in done and "Time exceeded" in done, "and a hop limit", done)
    check("HopLimit" in gate.testudo("drops"), "and the drops count it")
    done = left.exec("ping", "-n", "-c", "1", "-W", "5", "-s", "1472", "-M", "do", "10.2.0.9", check=False).stdout
    check("From 10.1.0.1" in done and "mtu" in done, "what does not fit is told of", done)


# Datagrams that the gateway has to refuse, first with a TTL of one, until enough came back too rarely; then one that does not
# fit, and tells what came: how many errors of each kind, and in how many seconds.
FLOOD = """
import json, select, socket, sys, time
address = sys.argv[1]
six = ":" in address
family = socket.AF_INET6 if six else socket.AF_INET
errors = socket.socket(family, socket.SOCK_RAW, 58 if six else 1)
errors.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
flood, large = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
flood.setsockopt(*((41, 16) if six else (0, 2)), 1)  # the hop limit, the TTL
large.setsockopt(*((41, 23) if six else (0, 10)), 3)  # MTU_DISCOVER: not to be cut, whatever was heard before
seen = {"expired": 0, "too_big": 0}

def hear(patience):
    while select.select([errors], [], [], patience)[0]:
        message = errors.recv(2048)
        message = message if six else message[(message[0] & 15) * 4:]
        name = {(3, 0): "expired", (2, 0): "too_big"} if six else {(11, 0): "expired", (3, 4): "too_big"}
        if (kind := name.get((message[0], message[1]))):
            seen[kind] += 1
            seen["seconds"] = time.monotonic() - began
        if seen["too_big"]:
            patience = 2  # for what went another way

began = time.monotonic()
for _ in range(5):  # on a busy machine the large one may be lost on its way to the gateway
    for _ in range(16):  # of 50: fewer than a ring of AF_XDP holds
        for _ in range(50):
            flood.sendto(b"x", (address, 9))
        hear(0)
    large.sendto(bytes(1400 if six else 1472), (address, 9))
    hear(4)
    if seen["too_big"]:
        break
print(json.dumps(seen))
"""


def limited(left, gate):
    say("Errors leave at a limited rate (RFC 4443 section 2.4 (f), RFC 1812 section 4.3.2.8)")
    withheld = lambda: json.loads(gate.testudo("--json", "status"))["host"]["icmp_withheld"]
    expired = lambda: next((d["count"] for d in json.loads(gate.testudo("--json", "drops"))["drops"] if d["reason"] == "HopLimit"), 0)
    for address in ("10.2.0.9", "fd02::9"):
        for _ in range(5):  # a machine that is busy enough sends no flood
            before, kept = expired(), withheld()
            seen = json.loads(left.exec(sys.executable, "-c", FLOOD, address).stdout)
            refused, kept = expired() - before, withheld() - kept
            check(seen["expired"] <= 50 + 1000 * seen["seconds"], f"{seen['expired']} errors within {seen['seconds']:.3f} s", str(seen))
            check(seen["expired"] + kept == refused, f"the {kept} others of {refused} are counted", str(seen))
            check(seen["too_big"] >= 1, "and what does not fit is told of in the midst of that")
            if kept > 0:
                break
        check(kept > 0, f"{address}: some were not sent")


def addresses(left, gate):
    say("An address that comes and goes")
    gate.ip("addr", "add", "10.1.0.77/24", "dev", "to-left")
    until(lambda: left.exec("ping", "-n", "-c", "1", "-W", "1", "10.1.0.77", check=False).returncode == 0)
    left.ping("10.1.0.77")
    gate.ip("addr", "del", "10.1.0.77/24", "dev", "to-left")


def killed(left, gate, wire, right, way):
    say("Killed: nothing that was protected leaves in clear, though the kernel of the gateway would forward now")
    gate.forward()
    gate.stop_testudod(signal.SIGKILL)
    with wire.capture() as seen:
        left.ping("10.2.0.9", answered=False)
        left.ping("fd02::9", answered=False)
        right.ping("10.1.0.9", answered=False)
        check(left.unheard("10.2.0.9", 7777), "nor does what was not protected pass")
    check(not [p for p in seen.packets if "ESP" not in p], "on the wire is nothing in clear", str(seen.packets))
    left.ping("10.1.0.1")
    for device in DEVICES:
        check(taken(gate, device, way), f"what turns frames of {device} over has outlived it")
    say("A testudod of another directory leaves that alone")
    other = gate.run_dir / "other"
    other.mkdir()
    (other / "testudo.conf").write_text(config(way) + "device = testudo7\ntable = 5057\nrule = 5057\nencapsulation_ports = none\n")
    done = gate.exec(BIN / "testudod", "-F", "-c", other / "testudo.conf", "--run-dir", other, check=False, timeout=60)
    said = "another XDP program" if way == "xdp" else "another testudod has it"
    check(done.returncode == 1 and said in done.stderr, "it says so and ends", done.stderr)
    check(all(taken(gate, device, way) for device in DEVICES), "it is still there")
    say("Without it the rules of the host's attachment remain")
    if way == "xdp":
        gate.ip("link", "set", "dev", "to-left", "xdp", "off")
    else:
        number = gate.exec("cat", "/sys/class/net/to-left/ifindex").stdout.strip()
        gate.exec("nft", "delete", "table", "netdev", f"testudo_wire_{number}")
    with wire.capture() as seen:
        left.ping("10.2.0.9", answered=False)
        left.ping("fd02::9", answered=False)
    seen.nothing()


def successor(left, gate, far, wire, way):
    say("A successor takes its place")
    gate.start_testudod(config(way))
    with wire.capture() as seen:
        left.ping("10.2.0.9", answered=False)
    seen.nothing()
    far.setkey(policies(near=False))
    gate.setkey(policies(near=True))
    until(lambda: left.exec("ping", "-n", "-c", "1", "-W", "1", "10.2.0.9", check=False).returncode == 0)
    left.ping("fd02::9")


def flushed(gate, left):
    say("`nft flush ruleset`")
    gate.exec("nft", "flush", "ruleset")
    until(lambda: all(taken(gate, device, "packet") for device in DEVICES))
    check(all(taken(gate, device, "packet") for device in DEVICES), "the rules come back")
    until(lambda: left.exec("ping", "-n", "-c", "1", "-W", "1", "10.2.0.9", check=False).returncode == 0)
    left.ping("10.2.0.9")


def exchanged(gate, far, left, wire, way):
    say("Killed, and its successor goes the other way")
    other = {"xdp": "packet", "packet": "xdp"}[way]
    gate.stop_testudod(signal.SIGKILL)
    gate.start_testudod(config(other))
    for device in DEVICES:
        check(taken(gate, device, other) and not taken(gate, device, way), f"{device} is taken by {other} alone")
    with wire.capture() as seen:
        left.ping("10.2.0.9", answered=False)
    seen.nothing()


def stopped(left, gate, wire):
    say("Stopped")
    gate.stop_testudod()
    for device in DEVICES:
        check(not any(taken(gate, device, way) for way in ("xdp", "packet")), f"{device} is the kernel's again")
    check(not (gate.run_dir / "wire").exists(), "and no file tells of one")
    with wire.capture() as seen:
        left.ping("10.2.0.9", answered=False)
    check("IPv4 ICMP" in seen.packets, "the kernel forwards again")


def refused(gate, text, *before):
    (gate.run_dir / "testudo.conf").write_text(text)
    return gate.exec(*before, BIN / "testudod", "-F", "-c", gate.run_dir / "testudo.conf", "--run-dir", gate.run_dir, check=False, timeout=60)


def misconfigured(gate, way):
    say("What it cannot start with")
    gate.run_dir.mkdir(exist_ok=True)
    less = {"xdp": "-all,+net_admin,+net_raw", "packet": "-all,+net_admin"}[way]
    done = refused(gate, config(way), "setpriv", "--bounding-set", less)
    check(done.returncode == 1 and {"xdp": "CAP_BPF", "packet": "CAP_NET_RAW"}[way] in done.stderr, "a privilege that it lacks is named", done.stderr)
    check(not any(taken(gate, device, way) for device in DEVICES), "and nothing is left")
    done = refused(gate, config("auto", inside="to-router"))
    check(done.returncode == 1 and "two interfaces" in done.stderr, "one interface is not enough", done.stderr)


def gateway(way):
    say(f"==== by {way}")
    with Lab() as lab:
        left, gate, wire, far, right = network(lab, way)
        misconfigured(gate, way)
        gate.start_testudod(config(way))
        far.start_testudod()
        gate.setkey(policies(near=True))
        far.setkey(policies(near=False))
        tunnels(left, gate, wire, right, way)
        to_itself(left, gate, wire, far, right)
        by_policy(left, gate, wire, right)
        of_other_networks(left, gate, wire)
        as_a_router(left, gate, wire)
        limited(left, gate)
        addresses(left, gate)
        if way == "packet":
            flushed(gate, left)
        in_udp(left, gate, wire, far, right)
        killed(left, gate, wire, right, way)
        successor(left, gate, far, wire, way)
        exchanged(gate, far, left, wire, way)
        stopped(left, gate, wire)


def main():
    for way in ("packet", "xdp"):
        gateway(way)


if __name__ == "__main__":
    main()
