#!/usr/bin/env python3
"""ESP in UDP (RFC 3948), tunnel and transport mode, between two hosts.

    left 10.3.0.1 ──────────── wire ──────────── 10.3.0.2 right
    testudod                                     testudod
"""
import json
import re

from lib import Lab, check, say, transfer, until

SCRIPT = """
flush; spdflush;
add 10.3.0.1 [4500] 10.3.0.2 [4500] esp-udp 0x1000 -m MODE -E aes-cbc "1234567890123456" -A hmac-sha1 "12345678901234567890";
add 10.3.0.2 [4500] 10.3.0.1 [4500] esp-udp 0x1001 -m MODE -E aes-cbc "6543210987654321" -A hmac-sha1 "09876543210987654321";
spdadd 10.3.0.1 10.3.0.2 any -P DIR1 ipsec esp/MODE/ENDS1/require;
spdadd 10.3.0.2 10.3.0.1 any -P DIR2 ipsec esp/MODE/ENDS2/require;
"""


def script(mode, there, back):
    ends = ("10.3.0.1-10.3.0.2", "10.3.0.2-10.3.0.1") if mode == "tunnel" else ("", "")
    return (SCRIPT.replace("MODE", mode).replace("DIR1", there).replace("DIR2", back).replace("ENDS1", ends[0])
            .replace("ENDS2", ends[1]))


def past_the_firewall(left, right):
    say("the port of the engine's own socket")
    unknown = lambda: next(d["count"] for d in json.loads(right.testudo("--json", "drops"))["drops"] if d["reason"] == "InboundNoSa")
    own = re.search(r"udp dport set (\d+)", right.exec("nft", "list", "table", "inet", "testudo_testudo0_udp").stdout)[1]
    send = ("import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
            "for port in (PORTS): s.sendto(b'abcd' * 10, ('10.3.0.2', port))")
    before = unknown()
    left.exec("python3", "-c", send.replace("PORTS", f"{own}, {own}, 4500"))
    check(until(lambda: unknown() > before), "ESP to 4500 reaches the engine", right.testudo("drops"))
    check(unknown() == before + 1, "and to the other port does not", right.testudo("drops"))
    right.exec("nft", "add table inet firewall; add chain inet firewall in { type filter hook input priority 0; };"
               "add rule inet firewall in udp dport 4500 drop")
    left.exec("python3", "-c", send.replace("PORTS", f"{own}, 4500"))
    left.ping("10.3.0.2", answered=False)
    check(unknown() == before + 1, "a firewall that drops 4500 drops all", right.testudo("drops"))


def main():
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        wire = lab.link(left, "10.3.0.1/24", right, "10.3.0.2/24")
        left.start_testudod()
        right.start_testudod()
        for mode in ("transport", "tunnel"):
            say(f"{mode} mode")
            left.setkey(script(mode, "out", "in"))
            right.setkey(script(mode, "in", "out"))
            with wire.capture() as seen:
                left.ping("10.3.0.2")
                transfer(left, right, "10.3.0.2", megabytes=1)
            seen.only("IPv4 UDP ESP")
        past_the_firewall(left, right)


if __name__ == "__main__":
    main()
