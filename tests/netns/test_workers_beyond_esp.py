#!/usr/bin/env python3
"""Two threads that carry packets in each host, with all that is more than plain ESP: AH, compression, bundles whose layers belong
to different workers, tunnels, policies of sockets, tunnel interfaces, one ACQUIRE for what both need, and a path that is narrower
than its ends know.

    left 10.3.0.1 ──────────── wire ──────────── 10.3.0.2 right
         fd03::1     testudod --workers 2         fd03::2

An SA is opened by the worker whose number its SPI leaves when divided by two."""
import contextlib
import socket
import struct
import sys

from lib import Lab, check, say, transfer, until
from sockets import Program, skip_unless_built
from tunnel_devices import add_tunnel
from workers import FLOWS, adds_up, both_worked, carry, drops, told, workers

ENDS = {4: ("10.3.0.1", "10.3.0.2"), 6: ("fd03::1", "fd03::2")}
GCM = f"-E aes-gcm-16 0x{'17' * 20}"
MORE = {"esp": GCM, "ah": f"-A hmac-sha256 0x{'2a' * 32}", "ipcomp": "-C deflate"}
ECHOES = {4: "icmp", 6: "icmp6"}
# What is on the wire of the whole stage, echoes included.
STAGES = (
    ("AH", 4, (("ah", "transport"),), ("IPv4 AH TCP", "IPv4 AH ICMP"), 1),
    ("AH over IPv6", 6, (("ah", "transport"),), ("IPv6 AH TCP", "IPv6 AH ICMPv6"), 1),
    ("an ESP tunnel", 4, (("esp", "tunnel"),), ("IPv4 ESP",), 1),
    ("an ESP tunnel over IPv6", 6, (("esp", "tunnel"),), ("IPv6 ESP",), 1),
    ("IPcomp within ESP", 4, (("ipcomp", "transport"), ("esp", "transport")), ("IPv4 ESP",), 16),
    ("ESP within AH", 4, (("esp", "transport"), ("ah", "transport")), ("IPv4 AH ESP",), 1),
    ("an ESP tunnel within AH, over IPv6", 6, (("esp", "tunnel"), ("ah", "transport")), ("IPv6 AH ESP",), 1),
)


def number_of(flow, way, layer):
    """SPI and reqid: even and odd for each direction, and the other one for the next layer."""
    return 0x1000 + 16 * flow + 4 * layer + (flow // 2 + way + layer) % 2 + 2 * way


def bundle(flow, way, layers, ends):
    at = {"transport": "", "tunnel": f"{ends[way]}-{ends[1 - way]}"}
    return " ".join(f"{kind}/{mode}/{at[mode]}/unique:{number_of(flow, way, n)}" for n, (kind, mode) in enumerate(layers))


def script(family, layers, directions):
    """Policies and SAs for each port, and for echoes.  directions: of what goes to the right, and back."""
    ends, text = ENDS[family], "flush; spdflush;\n"
    for flow in range(FLOWS + 1):
        what = f"tcp [{5001 + flow}]" if flow < FLOWS else ECHOES[family]
        port = f"[{5001 + flow}]" if flow < FLOWS else ""
        for way, direction in enumerate(directions):
            ports = ("", port) if way == 0 else (port, "")
            text += (f"spdadd {ends[way]} {ports[0]} {ends[1 - way]} {ports[1]} {what.split()[0]} -P {direction} "
                     f"ipsec {bundle(flow, way, layers, ends)};\n")
            for n, (kind, mode) in enumerate(layers):
                name = number_of(flow, way, n)
                text += f"add {ends[way]} {ends[1 - way]} {kind} {name} -u {name} -m {mode} {MORE[kind]};\n"
    return text


def lost_nothing(node):
    check(not drops(node), f"{node.name} dropped nothing", node.testudo("drops"))
    adds_up(node)


def stage(wire, left, right, name, family, layers, seen_as, repeats):
    say(name)
    left.setkey(script(family, layers, ("out", "in")))
    right.setkey(script(family, layers, ("in", "out")))
    before = {node: workers(node) for node in (left, right)}
    with wire.capture() as seen:
        carry(left, right, ENDS[family][1], megabytes=1, repeats=repeats)
    seen.only(*seen_as)
    if repeats > 1:
        check(sum(map(len, seen.frames)) < (FLOWS << 20) // 2, "less than half of it is on the wire")
    for node in (left, right):
        both_worked(node, before[node])
        lost_nothing(node)


def of_sockets(wire, left, right, sockets=4, datagrams=100):
    """Sockets with policies of their own, each with an SA of its own; what they send goes by the first worker."""
    say("policies of sockets")
    text = "flush; spdflush;" + "".join(f"add 10.3.0.1 10.3.0.2 esp {0x2000 + n} -u {0x2000 + n} {GCM};" for n in range(sockets))
    for node in (left, right):
        node.setkey(text)
    before = {node: workers(node) for node in (left, right)}
    with Program(left) as here, Program(right) as there, wire.capture() as seen:
        for n in range(sockets):
            there.do(f"make('s{n}')"), there.do(f"sockets['s{n}'].bind(('10.3.0.2', {7100 + n}))")
            there.do(f"set_policy('s{n}', 'in ipsec esp/transport//require')")
            here.do(f"make('s{n}')"), here.do(f"set_policy('s{n}', 'out ipsec esp/transport//unique:{0x2000 + n}')")
            here.do(f"sockets['s{n}'].connect(('10.3.0.2', {7100 + n}))")
        for i in range(datagrams):
            for n in range(sockets):
                here.do(f"sockets['s{n}'].send(b'{n} {i}')")
        for n in range(sockets):
            got = there.do(f"[receive('s{n}') for _ in range({datagrams})]")
            check(got == [f"{n} {i}" for i in range(datagrams)], f"all datagrams of socket {n} arrived, in their order", got)
    seen.only("IPv4 ESP")
    both_worked(right, before[right], ("from_wire",))
    for node in (left, right):
        lost_nothing(node)


def by_devices(wire, left, right):
    """Four tunnel interfaces; what they take goes by the first worker, what comes for them by both."""
    say("tunnel interfaces")
    for node in (left, right):
        node.setkey("flush; spdflush;")
    for n in range(4):
        outer, inner = [f"10.3.{n + 1}.{side}" for side in (1, 2)], [f"10.4.{n}.{side}" for side in (1, 2)]
        for node, here in ((left, 0), (right, 1)):
            node.ip("addr", "add", f"{outer[here]}/24", "dev", f"to-{'right' if here == 0 else 'left'}")
            add_tunnel(node, f"ipsec{n}", outer[here], outer[1 - here], (inner[here], inner[1 - here]),
                       (f"fd04:{n}::{here + 1}", f"fd04:{n}::{2 - here}"), "reqid", 300 + n)
            for way in (0, 1):
                node.setkey(f"add {outer[way]} {outer[1 - way]} esp {0x3000 + 4 * n + 2 * way + n % 2} -u {300 + n} -m transport {GCM};")
    before = {node: workers(node) for node in (left, right)}
    with wire.capture() as seen:
        for n in range(4):
            transfer(left, right, f"10.4.{n}.2", megabytes=1, port=5001 + n)
            transfer(right, left, f"fd04:{n}::1", megabytes=1, port=5011 + n)
    seen.only("IPv4 ESP")
    for node in (left, right):
        both_worked(node, before[node], ("from_wire",))
        for n in range(4):
            node.testudo("tunnel", "delete", f"ipsec{n}")


SENDER = """
import socket
flows = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(16)]
for flow in flows: flow.connect(('10.3.0.2', 7007))
for _ in range(40):
    for flow in flows: flow.send(bytes(200))
"""
REGISTER, ACQUIRE, ESP = 7, 6, 3


def acquires(keys):
    """Those that a client of PF_KEY has been told of by now."""
    count = 0
    with contextlib.suppress(TimeoutError):
        while message := keys.recv(65536):
            count += message[1] == ACQUIRE
    return count


def asked_for_once(left):
    say("both workers need one SA that there is not")
    left.testudo("sysctl", "-w", "net.key.blockacq_count=100000")  # else each eleventh packet asks again
    left.setkey("flush; spdflush; spdadd 10.3.0.1 10.3.0.2[7007] udp -P out ipsec esp/transport//require;")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as keys:
        keys.connect(str(left.run_dir / "pfkey.sock"))
        keys.send(struct.pack("=BBBBHHII", 2, REGISTER, 0, ESP, 2, 0, 1, 4711))
        keys.settimeout(20)
        keys.recv(65536)
        lost = lambda: drops(left).get("NoSa", 0) + drops(left).get("ReceiveQueueFull", 0)
        before, lost_before = workers(left), lost()
        left.exec(sys.executable, "-c", SENDER)
        until(lambda: lost() == lost_before + 640)
        taken = [now["from_host"] - then["from_host"] for now, then in zip(workers(left), before)]
        check(min(taken) > 0, f"both workers looked for it: {taken}")
        keys.settimeout(0.5)
        check(acquires(keys) == 1, "and it was asked for once", told(left, "status")["acquires"])


def narrow_path():
    """The router tells the first worker what fits, whichever worker's packets were too large."""
    with Lab() as lab:
        left, router, right = lab.node("left"), lab.node("router"), lab.node("right")
        wire = lab.link(left, "10.3.0.1/24", router, "10.3.0.254/24")
        lab.link(router, "10.5.0.254/24", right, "10.5.0.1/24", mtu=1400)
        right.ip("addr", "add", "10.3.0.2/32", "dev", "lo")
        left.ip("route", "add", "10.3.0.2/32", "via", "10.3.0.254")
        router.ip("route", "add", "10.3.0.2/32", "via", "10.5.0.1")
        right.ip("route", "add", "10.3.0.1/32", "via", "10.5.0.254", "src", "10.3.0.2")
        router.forward()
        for node, directions in ((left, ("out", "in")), (right, ("in", "out"))):
            node.sysctl("net.ipv4.tcp_rmem", "4096 65536 131072")
            node.start_testudod("tcp_mss = off\n", ("--workers", "2"))
            # One SA each way for all flows.  The kernel answers by the queue that it heard by: all but the first packets of
            # each connection go out by the worker of the odd SPI.
            node.setkey("".join(f"add {a} {b} esp {spi} -m tunnel {GCM}; spdadd {a} {b} any -P {way} ipsec esp/tunnel/{a}-{b}/require;"
                                for a, b, spi, way in (("10.3.0.1", "10.3.0.2", 0x4000, directions[0]), ("10.3.0.2", "10.3.0.1", 0x4001, directions[1]))))
        say("a path that is narrower than its ends know")
        transfer(left, right, "10.3.0.2", megabytes=1, port=6001)
        before = workers(left)
        with wire.capture() as seen:
            carry(left, right, "10.3.0.2", megabytes=1)
        first, second = (now["from_host"] - then["from_host"] for now, then in zip(workers(left), before))
        check(second > first, f"most went by the worker that is told nothing: {second} of {first + second}")
        seen.only("IPv4 ESP")
        check(all(len(frame) <= 1400 for frame in seen.frames), "no packet of either worker is larger than the path")


def main():
    skip_unless_built()
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        wire = lab.link(left, "10.3.0.1/24 fd03::1/64", right, "10.3.0.2/24 fd03::2/64")
        for node in (left, right):
            node.sysctl("net.ipv4.tcp_rmem", "4096 65536 131072")  # so little that no queue is ever full
            node.start_testudod(arguments=("--workers", "2"))
        for one in STAGES:
            stage(wire, left, right, *one)
        of_sockets(wire, left, right)
        by_devices(wire, left, right)
        asked_for_once(left)
        for node in (left, right):
            check(node.stop_testudod() == 0, f"{node.name} ends at SIGTERM")
    narrow_path()


if __name__ == "__main__":
    sys.exit(main())
