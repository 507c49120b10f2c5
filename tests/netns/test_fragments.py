#!/usr/bin/env python3
"""Clear fragments do not pass an inbound policy, on their way through a gateway or to the host itself.

    sender 10.1.0.2, fd01::2 ──── 10.1.0.1, fd01::1 gateway 10.2.0.1, fd02::1 ──── 10.2.0.2, fd02::2 inner
                                                    testudod

UDP port 7001 must come protected; 7002 is free.  The sender writes fragments by hand, in odd orders and shapes.
"""
import os
import re
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import Lab, check, say, until

FORBIDDEN, FREE = 7001, 7002
POLICY = """
spdadd SENDER[any] INNER[7001] udp -P in ipsec esp/tunnel/SENDER-GATEWAY/require;
spdadd SENDER[any] GATEWAY[7001] udp -P in ipsec esp/transport//require;
"""
# Shapes of a datagram in pieces: (offset, length or None for the rest) in the order of sending.
SHAPES = {
    "in order": [(0, 1024), (1024, 1024), (2048, None)],
    "last first": [(2048, None), (1024, 1024), (0, 1024)],
    "a tiny first": [(0, 8), (8, 1400), (1408, 1400), (2808, None)],
}


def datagram(family, source, destination, port, size):
    """The UDP part with its checksum."""
    data = bytes(size)
    header = struct.pack("!HHHH", 1025, port, 8 + size, 0)
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    summed = ends + struct.pack("!II", 8 + size, 17) + header + data
    total = sum(struct.unpack(f"!{len(summed) // 2}H", summed))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return header[:6] + struct.pack("!H", total ^ 0xffff or 0xffff) + data


def fragment(family, source, destination, ident, offset, data, more, protocol=17):
    ends = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    if family == socket.AF_INET:
        return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(data), ident, offset // 8 | more << 13, 64, protocol, 0) + ends + data
    extension = struct.pack("!BBHI", protocol, 0, offset | more, ident)
    return struct.pack("!IHBB", 6 << 28, 8 + len(data), 44, 64) + ends + extension + data


def shoot_main(destination, *shots):
    """In the sender's namespace: each shot is PORT:SHAPE or PORT:hidden, or a plain datagram PORT:whole."""
    family = socket.AF_INET6 if ":" in destination else socket.AF_INET
    source = "fd01::2" if family == socket.AF_INET6 else "10.1.0.2"
    level, option = (socket.IPPROTO_IPV6, 36) if family == socket.AF_INET6 else (socket.IPPROTO_IP, socket.IP_HDRINCL)
    raw = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_RAW)
    raw.setsockopt(level, option, 1)
    for number, shot in enumerate(shots, os.getpid() & 0xfff):
        port, shape = shot.split(":")
        if shape == "whole":
            socket.socket(family, socket.SOCK_DGRAM).sendto(b"end", (destination, int(port)))
            continue
        upper, protocol, pieces = datagram(family, source, destination, int(port), 3000), 17, SHAPES.get(shape)
        if shape == "hidden":
            # Destination options fill the first fragment; the UDP header, and with it the port, is in the second.
            upper, protocol, pieces = struct.pack("!BBBB4x", 17, 0, 1, 4) + upper, 60, [(0, 8), (8, 1400), (1408, 1400), (2808, None)]
        for offset, length in pieces:
            end = len(upper) if length is None else offset + length
            raw.sendto(fragment(family, source, destination, number, offset, upper[offset:end], int(end < len(upper)), protocol),
                       (destination, 0))


def listen_main():
    """Prints PORT SIZE for each datagram that arrives, of either family."""
    sockets = {}
    for port in (FORBIDDEN, FREE):
        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.bind(("::", port))
        sockets[s] = port
    print("listening", flush=True)
    import select
    while True:
        for s in select.select(list(sockets), [], [])[0]:
            print(sockets[s], len(s.recv(65535)), flush=True)


class Listener:
    def __init__(self, node):
        self.process = node.popen(sys.executable, __file__, "listen", stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()

    def until_the_end(self):
        """What came before the plain datagram to the free port."""
        seen = []
        while (line := self.process.stdout.readline().split()) != [str(FREE), "3"]:
            if not line:
                raise AssertionError("the listener ended")
            seen.append(tuple(map(int, line)))
        return seen


def shoot(sender, address, *shots):
    done = sender.exec(sys.executable, __file__, "shoot", address, *shots, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)


def violations(gateway):
    """As the gateway counts them, once a second."""
    found = re.search(r"policy violations: (\d+) input", gateway.testudo("stats"))
    return int(found[1]) if found else 0


def counted(gateway, before, number):
    return until(lambda: violations(gateway) >= before + number)


def main():
    with Lab() as lab:
        sender, gateway, inner = lab.node("sender"), lab.node("gateway"), lab.node("inner")
        lab.link(sender, "10.1.0.2/24 fd01::2/64", gateway, "10.1.0.1/24 fd01::1/64")
        behind = lab.link(gateway, "10.2.0.1/24 fd02::1/64", inner, "10.2.0.2/24 fd02::2/64")
        gateway.forward()
        for family, via_sender, via_inner in (("-4", "10.1.0.1", "10.2.0.1"), ("-6", "fd01::1", "fd02::1")):
            sender.ip(family, "route", "add", "default", "via", via_sender)
            inner.ip(family, "route", "add", "default", "via", via_inner)
        gateway.start_testudod()
        for ends in (("10.1.0.2", "10.1.0.1", "10.2.0.2"), ("fd01::2", "fd01::1", "fd02::2")):
            gateway.setkey(POLICY.replace("SENDER", ends[0]).replace("GATEWAY", ends[1]).replace("INNER", ends[2]))
        forwarded, local = Listener(inner), Listener(gateway)
        for listener, where, addresses in ((forwarded, "through the gateway", ("10.2.0.2", "fd02::2")),
                                           (local, "to the gateway", ("10.1.0.1", "fd01::1"))):
            for address in addresses:
                before = violations(gateway)
                shots = [f"{port}:{shape}" for shape in SHAPES for port in (FORBIDDEN, FREE)]
                if ":" in address:
                    shots.append(f"{FORBIDDEN}:hidden")
                shoot(sender, address, *shots, f"{FREE}:whole")
                check(listener.until_the_end() == [(FREE, 3000)] * len(SHAPES),
                      f"fragments {where} {address}: all of the free port's datagrams, none of the other's")
                check(counted(gateway, before, len(SHAPES)), "and they are counted as policy violations")
        with behind.capture() as seen:
            shoot(sender, "fd02::2", f"{FORBIDDEN}:hidden", f"{FREE}:whole")
            forwarded.until_the_end()
        check(seen.count("IPv6 fragment of UDP") == 0 and seen.count("IPv6 60") == 0,
              "a first fragment that hides its port does not get through the gateway", str(seen.packets))
        say("pieces of what is refused")
        for address, piece in (("10.2.0.2", "IPv4 fragment of UDP"), ("fd02::2", "IPv6 fragment of UDP")):
            with behind.capture() as seen:
                shoot(sender, address, *(f"{FORBIDDEN}:{shape}" for shape in SHAPES), f"{FREE}:whole")
                forwarded.until_the_end()
            check(seen.count(piece) == 0, f"no {piece} gets through the gateway without its first", str(seen.packets))
        say("fragments of a policy for every protocol")
        gateway.setkey("spdadd 10.1.0.2 10.2.0.2 any -P in ipsec esp/tunnel/10.1.0.2-10.1.0.1/require;"
                       "spdadd fd01::2 fd02::2 any -P in ipsec esp/tunnel/fd01::2-fd01::1/require;")
        for address in ("10.2.0.2", "fd02::2"):
            before = violations(gateway)
            shoot(sender, address, f"{FREE}:in order", f"{FREE}:last first")
            check(counted(gateway, before, 2), f"both datagrams for {address} are refused")


if __name__ == "__main__":
    {"shoot": shoot_main, "listen": listen_main}[sys.argv[1]](*sys.argv[2:]) if len(sys.argv) > 1 else main()
