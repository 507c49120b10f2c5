#!/usr/bin/env python3
"""A tunnel over a path that is narrower than its ends know: the hosts behind the gateways learn what fits, and send it.

    cloud1 ── gateway1 ══ 1500 ══ router ══ 1400 ══ gateway2 ── cloud2
              testudod                              testudod
"""
from lib import Lab, check, say, transfer

KEYS = '-E aes-cbc "hogehogehogehoge" -A hmac-sha1 "hogehogehogehogehoge"'
GATES = {4: ("20.0.0.1", "20.0.1.2"), 6: ("fd00:20::1", "fd00:21::2")}
CLOUDS = {4: ("10.0.1.0/24", "10.0.2.0/24"), 6: ("fd00:1::/64", "fd00:2::/64")}
FAR = {4: "10.0.2.2", 6: "fd00:2::2"}


def vpn(inner, outer, first):
    one, two = GATES[outer]
    here, there = CLOUDS[inner]
    out, into = ("out", "in") if first else ("in", "out")
    return f"""flush; spdflush;
add {one} {two} esp 9876 -m tunnel {KEYS}; add {two} {one} esp 10000 -m tunnel {KEYS};
spdadd {here} {there} any -P {out} ipsec esp/tunnel/{one}-{two}/require;
spdadd {there} {here} any -P {into} ipsec esp/tunnel/{two}-{one}/require;"""


def build(lab):
    cloud1, gateway1, router, gateway2, cloud2 = (lab.node(n) for n in ("cloud1", "gateway1", "router", "gateway2", "cloud2"))
    lab.link(cloud1, "10.0.1.2/24 fd00:1::2/64", gateway1, "10.0.1.1/24 fd00:1::1/64")
    wire = lab.link(gateway1, "20.0.0.1/24 fd00:20::1/64", router, "20.0.0.254/24 fd00:20::254/64")
    lab.link(router, "20.0.1.254/24 fd00:21::254/64", gateway2, "20.0.1.2/24 fd00:21::2/64", mtu=1400)
    lab.link(gateway2, "10.0.2.1/24 fd00:2::1/64", cloud2, "10.0.2.2/24 fd00:2::2/64")
    for node, v4, v6 in ((cloud1, "10.0.1.1", "fd00:1::1"), (cloud2, "10.0.2.1", "fd00:2::1"),
                         (gateway1, "20.0.0.254", "fd00:20::254"), (gateway2, "20.0.1.254", "fd00:21::254")):
        node.ip("route", "add", "default", "via", v4)
        node.ip("-6", "route", "add", "default", "via", v6)
    for node in (gateway1, router, gateway2):
        node.forward()
    return cloud1, gateway1, gateway2, cloud2, wire


def learned(node, address):
    return "mtu" in node.ip("route", "get", address)


def forget(*nodes):
    for node in nodes:
        node.ip("route", "flush", "cache")
        node.ip("-6", "route", "flush", "cache")


def main():
    with Lab() as lab:
        cloud1, gateway1, gateway2, cloud2, wire = build(lab)
        for inner, outer in ((6, 6), (4, 6), (6, 4), (4, 4)):
            say(f"IPv{inner} through IPv{outer}")
            forget(cloud1, cloud2, gateway1)
            for gateway in (gateway1, gateway2):
                gateway.start_testudod("tcp_mss = off\n")
                gateway.setkey(vpn(inner, outer, gateway is gateway1))
            transfer(cloud1, cloud2, FAR[inner], megabytes=1)
            check(learned(cloud1, FAR[inner]), "cloud1 has learned what the tunnel takes")
            with wire.capture() as seen:
                transfer(cloud1, cloud2, FAR[inner])
            seen.only(f"IPv{outer} ESP")
            check(all(len(frame) <= 1400 for frame in seen.frames), "no packet is larger than the path, and none is cut")
            for gateway in (gateway1, gateway2):
                gateway.stop_testudod()


if __name__ == "__main__":
    main()
