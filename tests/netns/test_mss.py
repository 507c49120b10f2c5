#!/usr/bin/env python3
"""TCP through a tunnel is told at its start what fits: the MSS of SYNs on both inner sides, and no "packet too big".

    cloud1 ── gateway1 ══ wire ══ gateway2 ── cloud2
              testudod  (1500)    testudod (leaves TCP alone)
"""
import struct

from lib import Lab, check, say, transfer, until

GATES = {4: ("20.0.0.1", "20.0.0.2"), 6: ("fd00:20::1", "fd00:20::2")}
CLOUDS = {4: ("10.0.1.0/24", "10.0.2.0/24"), 6: ("fd00:1::/64", "fd00:2::/64")}
NEAR, FAR = {4: "10.0.1.2", 6: "fd00:1::2"}, {4: "10.0.2.2", 6: "fd00:2::2"}
# Outer header, and of ESP: header 8, IV 16, ICV 12, trailer of at most 17; then IP and TCP inside.
EXPECTED = {(4, 4): 1500 - 20 - 53 - 40, (6, 6): 1500 - 40 - 53 - 60, (6, 4): 1500 - 20 - 53 - 60, (4, 6): 1500 - 40 - 53 - 40}


def vpn(inner, outer, first):
    one, two = GATES[outer]
    here, there = CLOUDS[inner]
    keys = f'-E aes-cbc "hogehogehogehoge" -A hmac-sha1 "hogehogehogehogehoge"'
    out, into = ("out", "in") if first else ("in", "out")
    policies = f"""spdadd {here} {there} any -P {out} ipsec esp/tunnel/{one}-{two}/require;
spdadd {there} {here} any -P {into} ipsec esp/tunnel/{two}-{one}/require;"""
    sas = f"add {one} {two} esp 9876 -m tunnel {keys}; add {two} {one} esp 10000 -m tunnel {keys};"
    # Where the policies come first, the MSS is a guess until the next look at the SAs.
    return "flush; spdflush;" + (policies + sas if inner == outer == 4 else sas + policies)


def syn_sizes(seen):
    """{source: MSS} of all SYNs in a capture."""
    found = {}
    for packet in seen.frames:
        v4 = packet[0] >> 4 == 4
        source = ".".join(map(str, packet[12:16])) if v4 else packet[8:24].hex()
        tcp = packet[20 if v4 else 40:]
        if packet[9 if v4 else 6] != 6 or not tcp[13] & 2:
            continue
        options = tcp[20:(tcp[12] >> 4) * 4]
        while options and options[0] != 2:
            options = options[1 if options[0] == 1 else options[1]:]
        found[source] = struct.unpack_from("!H", options, 2)[0]
    return list(found.values())


def build(lab):
    cloud1, gateway1, gateway2, cloud2 = (lab.node(n) for n in ("cloud1", "gateway1", "gateway2", "cloud2"))
    inside = lab.link(cloud1, "10.0.1.2/24 fd00:1::2/64", gateway1, "10.0.1.1/24 fd00:1::1/64")
    lab.link(gateway1, "20.0.0.1/24 fd00:20::1/64", gateway2, "20.0.0.2/24 fd00:20::2/64")
    beyond = lab.link(gateway2, "10.0.2.1/24 fd00:2::1/64", cloud2, "10.0.2.2/24 fd00:2::2/64")
    for node, number in ((cloud1, "1"), (cloud2, "2")):
        node.ip("route", "add", "default", "via", f"10.0.{number}.1")
        node.ip("-6", "route", "add", "default", "via", f"fd00:{number}::1")
    for node in (gateway1, gateway2):
        node.forward()
    return cloud1, gateway1, gateway2, cloud2, inside, beyond


def told(gateway, number):
    return f"set {number}" in gateway.exec("nft", "list", "ruleset").stdout


def main():
    with Lab() as lab:
        cloud1, gateway1, gateway2, cloud2, inside, beyond = build(lab)
        gateway1.start_testudod()
        gateway2.start_testudod("tcp_mss = off\n")
        for (inner, outer), number in EXPECTED.items():
            say(f"IPv{inner} through IPv{outer}")
            gateway1.setkey(vpn(inner, outer, True))
            gateway2.setkey(vpn(inner, outer, False))
            check(until(lambda: told(gateway1, number)), f"the rules of gateway1 say {number}")
            for client, server, address in ((cloud1, cloud2, FAR[inner]), (cloud2, cloud1, NEAR[inner])):
                with inside.capture() as first, beyond.capture() as last:
                    transfer(client, server, address, megabytes=1)
                    check(not told(gateway2, number), "gateway2 leaves them alone")
                sizes = syn_sizes(first) + syn_sizes(last)
                largest = 1460 if inner == 4 else 1440
                # At its own side a host's SYN is still what the host wrote; what arrives has been lowered.
                check(sorted(sizes) == [number, number, largest, largest], f"SYN and its answer arrive with {number}", sizes)
                check(first.count(f"IPv{inner} ICMP" + ("v6" if inner == 6 else "")) == 0, "nobody had to be told by ICMP")
        say("a number of one's own")
        gateway1.stop_testudod()
        gateway1.start_testudod("tcp_mss = 1000\n")
        gateway1.setkey(vpn(4, 4, True))
        gateway2.setkey(vpn(4, 4, False))
        with beyond.capture() as last:
            transfer(cloud1, cloud2, FAR[4], megabytes=1)
        check(min(syn_sizes(last)) == 1000, "SYNs of the far side arrive with 1000", syn_sizes(last))


if __name__ == "__main__":
    main()
