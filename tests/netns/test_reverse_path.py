#!/usr/bin/env python3
"""Opened packets come in by the engine's device whatever the kernel's reverse-path filter is set to; the address that
the device has for that is no address of the host.

    left 10.2.0.1 ──────────── wire ──────────── 10.2.0.2 right
    10.2.1.1                                     10.2.2.1
"""
import json

from lib import Lab, check, say

DUMMY = "192.0.0.8"
KEYS = """
add 10.2.0.1 10.2.0.2 esp 1000 -m MODE -E aes-cbc "1234567890123456" -A hmac-sha1 "12345678901234567890";
add 10.2.0.2 10.2.0.1 esp 1001 -m MODE -E aes-cbc "1234567890123456" -A hmac-sha1 "12345678901234567890";
"""
TRANSPORT = KEYS.replace("MODE", "transport") + """
spdadd 10.2.0.1 10.2.0.2 any -P A ipsec esp/transport//require;
spdadd 10.2.0.2 10.2.0.1 any -P B ipsec esp/transport//require;
"""
TUNNEL = KEYS.replace("MODE", "tunnel") + """
spdadd 10.2.1.0/24 10.2.2.0/24 any -P A ipsec esp/tunnel/10.2.0.1-10.2.0.2/require;
spdadd 10.2.2.0/24 10.2.1.0/24 any -P B ipsec esp/tunnel/10.2.0.2-10.2.0.1/require;
spdadd 192.0.0.8 10.2.2.0/24 any -P A ipsec esp/tunnel/10.2.0.1-10.2.0.2/require;
"""


def count(node, reason):
    return next(row["count"] for row in json.loads(node.testudo("--json", "drops"))["drops"] if row["reason"] == reason)


def both(left, right, script):
    for node, out, into in ((left, "out", "in"), (right, "in", "out")):
        node.setkey("flush; spdflush;" + script.replace("-P A", "-P " + out).replace("-P B", "-P " + into))


def build(lab, filtering):
    left, right = lab.node("left"), lab.node("right")
    wire = lab.link(left, "10.2.0.1/24", right, "10.2.0.2/24")
    for node, own, other, gateway in ((left, 1, 2, "10.2.0.2"), (right, 2, 1, "10.2.0.1")):
        node.ip("addr", "add", f"10.2.{own}.1/32", "dev", "lo")
        node.ip("route", "add", f"10.2.{other}.0/24", "via", gateway, "src", f"10.2.{own}.1")
        node.sysctl("net.ipv4.conf.all.rp_filter", filtering)
        node.start_testudod()
    return left, right, wire


def dummy_is_nobodys(left, right, wire):
    say("the address of the device")
    check(f"inet {DUMMY}/32 scope host testudo0" in left.ip("addr", "show", "testudo0"), "is of the host's own scope",
          left.ip("addr", "show", "testudo0"))
    way = left.ip("route", "get", "10.2.0.2", "mark", "0x04000000")
    check("dev testudo0" in way and "src 10.2." in way, "is not chosen as a source", way)
    way = left.ip("route", "get", "10.99.0.1", "mark", "0x04000000")
    check(DUMMY not in way, "not where there is no other way either", way)
    with wire.capture() as seen:
        left.ping("10.2.2.1", answered=False, extra=("-I", DUMMY))
    seen.only("IPv4 ESP")
    check(count(right, "InnerSpoofed") == 0, "is not taken for an address of ours", right.testudo("drops"))


def main():
    for filtering in (0, 1, 2):
        with Lab() as lab:
            left, right, wire = build(lab, filtering)
            say(f"net.ipv4.conf.all.rp_filter = {filtering}")
            both(left, right, TRANSPORT)
            with wire.capture() as seen:
                left.ping("10.2.0.2")
                both(left, right, TUNNEL)
                left.ping("10.2.2.1")
                right.ping("10.2.1.1")
            seen.only("IPv4 ESP")
            check(all(bytes([192, 0, 0, 8]) not in (f[12:16], f[16:20]) for f in seen.frames),
                  "no packet has the device's address")
            if filtering == 2:
                dummy_is_nobodys(left, right, wire)
                left.stop_testudod()
                check(DUMMY not in left.ip("addr"), "and it goes with the device")


if __name__ == "__main__":
    main()
