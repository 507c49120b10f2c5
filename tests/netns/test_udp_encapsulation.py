#!/usr/bin/env python3
"""ESP in UDP (RFC 3948), tunnel and transport mode, between two hosts.

    left 10.3.0.1 ──────────── wire ──────────── 10.3.0.2 right
    testudod                                     testudod
"""
from lib import Lab, say, transfer

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


if __name__ == "__main__":
    main()
