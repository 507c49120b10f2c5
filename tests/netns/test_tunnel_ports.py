#!/usr/bin/env python3
"""Tunnels of ESP in UDP between the same two addresses, told apart by their UDP ports alone, as ipsecif(4) has them.

    a 20.0.0.1 ──────────── wire ──────────── 20.0.0.2 b
    ipsec0: 4500, 4500      10.9.0.1 ↔ 10.9.0.2, fd09::1 ↔ fd09::2
    ipsec1: 4501, 4501      10.8.0.1 ↔ 10.8.0.2, fd08::1 ↔ fd08::2
"""
import json
import struct

from lib import Lab, check, say, transfer, until
from tunnel_devices import KEY, both, refused, tunnels

ENDS = ("20.0.0.1", "20.0.0.2")


def keys(node, port, first, there=None):
    there = there or port
    a, b = f"20.0.0.1[{port}]", f"20.0.0.2[{there}]"
    node.setkey(f"add {a} {b} esp-udp {first} -m transport {KEY}; add {b} {a} esp-udp {first + 1} -m transport {KEY};")


def add(a, b, name, port, net):
    inner = [(f"10.{net}.0.1", f"10.{net}.0.2"), (f"fd0{net}::1", f"fd0{net}::2")]
    both(a, b, name, ENDS, *inner, "nat-t", f"{port},{port}")


def on_the_wire(seen):
    """(port from, port to, SPI) of the ESP in UDP."""
    seen.only("IPv4 UDP ESP", "IPv4 UDP")
    return {struct.unpack_from("!HH4xI", frame, 20) for frame in seen.frames}


def exact(a, b, wire):
    say("each carries its own, by its own ports and SAs")
    for addresses, port, first in ((("10.9.0.2", "fd09::2"), 4500, 1000), (("10.8.0.2", "fd08::2"), 4501, 2000)):
        before = {name: row["in"]["packets"] for name, row in tunnels(b).items()}
        with wire.capture() as seen:
            for address in addresses:
                a.ping(address)
            transfer(a, b, addresses[0], megabytes=1, port=5000 + port)
        check(on_the_wire(seen) == {(port, port, first), (port, port, first + 1)}, f"{addresses} by {port} and its SAs", on_the_wire(seen))
        grew = {name for name, row in tunnels(b).items() if row["in"]["packets"] > before[name]}
        check(grew == {"ipsec0" if port == 4500 else "ipsec1"}, "and it came out of that device alone", grew)
    check("hits" not in a.testudo("drops"), "nothing was dropped")


def at_once(a, b, wire):
    say("both at once, and one after the other is deleted")
    pings = [a.popen("ping", "-n", "-q", "-i", "0.02", "-c", "100", "-W", "2", address, stdout=-1, text=True) for address in ("10.9.0.2", "10.8.0.2")]
    for ping in pings:
        said = ping.communicate()[0]
        check("100 received" in said, "no ping of the one is lost for the other", said)
    policies = a.shell("setkey -DP")
    check(policies.count("20.0.0.2[any] 20.0.0.1[any] 4(ipv4)") == 1, "their policies are there once", policies)
    a.testudo("tunnel", "delete", "ipsec0"), b.testudo("tunnel", "delete", "ipsec0")
    check(list(tunnels(a)) == ["ipsec1"] and "ipsec0" not in a.ip("link"), "the first is deleted")
    check("20.0.0.2[any] 20.0.0.1[any] 4(ipv4)" in a.shell("setkey -DP"), "its policies are the second's still")
    with wire.capture() as seen:
        a.ping("10.8.0.2")
        a.ping("fd08::2")
    check({ports[:2] for ports in on_the_wire(seen)} == {(4501, 4501)}, "the second goes on", on_the_wire(seen))


def nobodys(a, b):
    say("what comes by an SA with the ports of a tunnel that is gone, goes to no other")
    before = tunnels(b)["ipsec1"]["in"]["packets"]
    a.testudo("tunnel", "add", "ipsec0", "local", ENDS[0], "remote", ENDS[1], "nat-t", "4500,4500")
    a.ip("addr", "add", "10.9.0.1", "peer", "10.9.0.2", "dev", "ipsec0")
    a.ping("10.9.0.2", answered=False)
    check(tunnels(b)["ipsec1"]["in"]["packets"] == before, "the second tunnel took none of it", tunnels(b))
    check("InboundPolicyMismatch" in b.testudo("drops"), "the drops count it", b.testudo("drops"))
    a.ping("10.8.0.2")


def words(a):
    say("what may share two addresses, and what not")
    for more, sentence in ((("nat-t", "4501,4501"), "has these two ends already, and these ports"), ((), "only with nat-t and other ports")):
        said = refused(a, "add", "ipsec5", "local", ENDS[0], "remote", ENDS[1], *more)
        check(sentence in said, f"{' '.join(more) or 'without nat-t'}: {sentence}", said)
    check("ipsec5" not in a.ip("link"), "what was refused leaves nothing behind")
    a.testudo("tunnel", "add", "ipsec6", "local", ENDS[0], "remote", ENDS[1], "nat-t", "4500,1025")
    ports = {name: tuple(row["nat_t"].values()) for name, row in tunnels(a).items()}
    check(ports["ipsec6"] == (4500, 1025), "two peers behind one NAT: the same local port", json.dumps(ports))
    for name in ("ipsec1", "ipsec0", "ipsec6"):
        check("20.0.0.2[any] 20.0.0.1[any] 4(ipv4)" in a.shell("setkey -DP"), f"with {name} the policies are there")
        a.testudo("tunnel", "delete", name)
    check(until(lambda: "20.0.0.2[any]" not in a.shell("setkey -DP")), "they go with the last", a.shell("setkey -DP"))


def main():
    with Lab() as lab:
        a, b = lab.node("a"), lab.node("b")
        wire = lab.link(a, "20.0.0.1/24", b, "20.0.0.2/24")
        for node in (a, b):
            node.start_testudod("encapsulation_ports = 4500 4501\n")
        add(a, b, "ipsec0", 4500, 9)
        add(a, b, "ipsec1", 4501, 8)
        for node in (a, b):
            keys(node, 4500, 1000)
            keys(node, 4501, 2000)
        exact(a, b, wire)
        at_once(a, b, wire)
        nobodys(a, b)
        words(a)


if __name__ == "__main__":
    main()
