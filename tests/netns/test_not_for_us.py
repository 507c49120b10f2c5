#!/usr/bin/env python3
"""What nobody can open goes round no circle: the kernel takes more for its own than addresses (broadcast, anycast, a
local route), and a packet handed back to it would come to us again, for ever.

    stranger 192.168.77.1 ──────────── 192.168.77.2 node
                                       testudod; local route 10.66.0.0/24, anycast fd00:77::
"""
import json
import sys

from lib import Lab, check, say, until

SEND = """
import socket, sys
address, kind, port, *messages = sys.argv[1:]
for message in messages:
    protocol, payload = message.split(":")
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, getattr(socket, "SOCK_" + kind), int(protocol))
    if s.family == socket.AF_INET: s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.sendto(bytes.fromhex(payload), (address, int(port)))
"""
ESP, AH, IPCOMP = "00001234" + "00000001" + "aa" * 40, "11040000" + "00001234" + "00000001" + "bb" * 12 + "aa" * 24, "11001234" + "aa" * 40
RAW = [f"50:{ESP}", f"51:{AH}", f"108:{IPCOMP}"]
# ESP, a keepalive, what is neither of them nor IKE, and the marker of the first drafts, alone and with an SPI of 0.
UDP = [f"17:{payload}" for payload in (ESP, "ff", "41", "41424344", "4142434445464748", "00" * 8, "00" * 16)]


def counts(node):
    """What went through the device either way, and what was dropped."""
    links = json.loads(node.ip("-j", "-s", "link", "show", "testudo0"))[0]["stats64"]
    drops = json.loads(node.testudo("--json", "drops"))["drops"]
    return links["rx"]["packets"] + links["tx"]["packets"], sum(row["count"] for row in drops)


def send(stranger, node, address, kind, port, messages):
    device, drops = counts(node)
    stranger.exec(sys.executable, "-c", SEND, address, kind, port, *messages)
    wanted = len(messages)
    check(until(lambda: counts(node)[1] >= drops + wanted), f"{wanted} to {address} are dropped and counted", counts(node))
    until(lambda: False, 0.2)
    now = counts(node)
    check(now[0] - device < 8 and now[1] == drops + wanted, "once, and none goes round", (device, drops, now))


def main():
    with Lab() as lab:
        node, stranger = lab.node("node"), lab.node("stranger")
        lab.link(node, "192.168.77.2/24 fd00:77::2/64", stranger, "192.168.77.1/24 fd00:77::1/64")
        # As most are; without, the kernel has no broadcast address for the link.
        node.ip("addr", "change", "192.168.77.2/24", "brd", "192.168.77.255", "dev", "to-stranger")
        stranger.ip("addr", "change", "192.168.77.1/24", "brd", "192.168.77.255", "dev", "to-node")
        node.forward()
        node.ip("route", "add", "local", "10.66.0.0/24", "dev", "lo")
        stranger.ip("route", "add", "10.66.0.0/24", "via", "192.168.77.2")
        stranger.ip("route", "add", "255.255.255.255/32", "dev", "to-node")
        node.start_testudod()
        say("ESP, AH and IPcomp to what the kernel takes for its own")
        for address in ("192.168.77.255", "255.255.255.255", "10.66.0.1", "fd00:77::"):
            send(stranger, node, address, "RAW", 0, RAW)
        say("datagrams to UDP 4500: to what is not our address, and what is neither ESP nor IKE")
        for address in ("192.168.77.255", "10.66.0.1", "192.168.77.2", "fd00:77::2"):
            send(stranger, node, address, "DGRAM", 4500, UDP)


if __name__ == "__main__":
    main()
