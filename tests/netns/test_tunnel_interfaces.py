#!/usr/bin/env python3
"""`testudo tunnel`: routed interfaces as ipsecif(4) makes them, several at once, v4 and v6 in v4 and v6, with policies that users
cannot take away; and a Linux ipip device protected by a policy of transport mode, as gif(4) is."""
import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys

from lib import Lab, check, run, say, transfer, until
from tunnel_devices import KEY, both, refused, tunnels


def reqid(node, name, direction, inside):
    return next(p["reqid"] for p in tunnels(node)[name]["policies"] if p["direction"] == direction and p["inside"] == inside)


def key(node, local, remote, name, first, udp=""):
    """Four SAs: in and out, for IPv4 and IPv6 inside, each for its policy alone."""
    script = ""
    for i, inside in enumerate(("ipv4", "ipv6")):
        out = f"-u {reqid(node, name, 'out', inside)}" if not udp else ""
        back = f"-u {reqid(node, name, 'in', inside)}" if not udp else ""
        ends, mirror = (sorted((local, remote)) == [local, remote]), i + first
        there, here = (mirror, mirror + 100) if ends else (mirror + 100, mirror)
        if udp and i:
            break
        kind = "esp-udp" if udp else "esp"
        a, b = (f"{local}[{udp}]", f"{remote}[{udp}]") if udp else (local, remote)
        script += f"add {a} {b} {kind} {there} {out} -m transport {KEY};\nadd {b} {a} {kind} {here} {back} -m transport {KEY};\n"
    node.setkey(script)


def gif(node, local, remote):
    """A Linux ipip device, or where the kernel has none, a program that does the same through the host's IP."""
    words = ("link", "add", "gif0", "type", "ipip", "local", local, "remote", remote)
    if run("ip", "-n", node.ns, *words, check=False).returncode == 0:
        return
    stand_in = node.popen(sys.executable, __file__, "gif", local, remote, stdout=subprocess.PIPE, text=True)
    stand_in.stdout.readline()


def gif_main(local, remote):
    tun = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"gif0", 0x1001))  # TUNSETIFF: IFF_TUN | IFF_NO_PI
    ip = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_IPIP)
    ip.bind((local, 0))
    print("up", flush=True)
    while True:
        for ready in select.select([tun, ip], [], [])[0]:
            if ready is tun:
                packet = os.read(tun, 65535)
                if packet[0] >> 4 == 4:
                    ip.sendto(packet, (remote, 0))
            else:
                outer = ip.recv(65535)
                os.write(tun, outer[(outer[0] & 15) * 4:])


def main():
    with Lab() as lab:
        a, b = lab.node("a"), lab.node("b")
        wire = lab.link(a, "20.0.0.1/24 20.0.0.3/24 fd00:20::1/64", b, "20.0.0.2/24 20.0.0.4/24 fd00:20::2/64")
        a.start_testudod()
        b.start_testudod()

        say("two tunnels, over IPv4 and over IPv6")
        both(a, b, "ipsec0", ("20.0.0.1", "20.0.0.2"), ("10.9.0.1", "10.9.0.2"), ("fd09::1", "fd09::2"))
        both(a, b, "ipsec1", ("fd00:20::1", "fd00:20::2"), ("10.8.0.1", "10.8.0.2"), ("fd08::1", "fd08::2"))
        dump = a.shell("setkey -DP")
        wanted = r"20\.0\.0\.2\[any\] 20\.0\.0\.1\[any\] 4\(ipv4\)\n\tin ipsec\n\tesp/transport//unique#(\d+)\n"
        found = re.search(wanted, dump)
        check(found and int(found[1]) > 16384, "setkey -DP shows a policy of the tunnel, unique, with a reqid from above 16384", dump)
        order = re.findall(r"^(\S+) \S+ (\d+)\(\S+\)\n\t(in|out) ipsec", dump, re.M)
        check([o[1] for o in order] == ["4", "41"] * 4 and len(order) == 8, "and so four for each tunnel", dump)
        check("flags=0x80" in a.shell("setkey -DPv"), "marked as made by the system (flags=0x80)")
        a.ping("10.9.0.2", answered=False)
        for node, ends in ((a, (1, 2)), (b, (2, 1))):
            key(node, *(f"20.0.0.{i}" for i in ends), "ipsec0", 1000)
            key(node, *(f"fd00:20::{i}" for i in ends), "ipsec1", 2000)
        with wire.capture() as seen:
            for address in ("10.9.0.2", "fd09::2", "10.8.0.2", "fd08::2"):
                a.ping(address)
            a.ping("10.9.0.2", size=4000)
            transfer(a, b, "10.9.0.2", megabytes=1)
            transfer(b, a, "fd08::1", megabytes=1, port=5002)
        seen.only("IPv4 ESP", "IPv6 ESP")
        check(tunnels(a)["ipsec0"]["in"]["packets"] > 10, "the tunnel counts its packets", tunnels(a))
        check("mtu 1280" in a.ip("link", "show", "ipsec0"), "its MTU is 1280")

        say("what the system made, users do not take away")
        b.setkey("spdflush;")
        gone = b.setkey("spddelete 20.0.0.1 20.0.0.2 4 -P in;", check=False)
        check("Invalid argument" in gone.stdout + gone.stderr, "spddelete is refused", gone.stdout + gone.stderr)
        number = tunnels(b)["ipsec0"]["policies"][0]["id"]
        check(f"spid={number} " in b.shell("setkey -DP"), "the policies are still there")
        a.ping("10.9.0.2")

        say("gif: a Linux ipip device between policies of transport mode")
        for node, local, remote, inner in ((a, "20.0.0.3", "20.0.0.4", "10.7.0.1"), (b, "20.0.0.4", "20.0.0.3", "10.7.0.2")):
            gif(node, local, remote)
            node.ip("addr", "add", f"{inner}/30", "dev", "gif0")
            node.ip("link", "set", "gif0", "mtu", "1400", "up")
            out, back = ("out", "in") if node is a else ("in", "out")
            node.setkey(f"add 20.0.0.3 20.0.0.4 esp 3000 -m transport {KEY}; add 20.0.0.4 20.0.0.3 esp 3001 -m transport {KEY};"
                        f"spdadd 20.0.0.3 20.0.0.4 ip4 -P {out} ipsec esp/transport//require;"
                        f"spdadd 20.0.0.4 20.0.0.3 ip4 -P {back} ipsec esp/transport//require;")
        with wire.capture() as seen:
            a.ping("10.7.0.2")
            transfer(b, a, "10.7.0.1", megabytes=1, port=5003)
        seen.only("IPv4 ESP")

        say("ESP in UDP, unnumbered, with a reqid, and what is refused")
        a.testudo("tunnel", "delete", "ipsec0"), b.testudo("tunnel", "delete", "ipsec0")
        check("ipsec0" not in a.ip("link") and "20.0.0.1 20.0.0.2 4(ipv4)" not in a.shell("setkey -DP"),
              "delete takes device and policies away")
        for node, ends in ((a, ("20.0.0.1", "20.0.0.2")), (b, ("20.0.0.2", "20.0.0.1"))):
            node.testudo("tunnel", "add", "ipsec0", "local", ends[0], "remote", ends[1], "unnumbered", "nat-t", "4500,4500")
            node.setkey("flush esp;")
            key(node, *ends, "ipsec0", 4000, udp="4500")
        a.ip("addr", "add", "10.6.0.1/32", "dev", "lo"), b.ip("addr", "add", "10.6.0.2/32", "dev", "lo")
        a.ip("route", "add", "10.6.0.2/32", "dev", "ipsec0", "src", "10.6.0.1")
        b.ip("route", "add", "10.6.0.1/32", "dev", "ipsec0", "src", "10.6.0.2")
        with wire.capture() as seen:
            a.ping("10.6.0.2")
        seen.only("IPv4 UDP ESP")
        a.testudo("tunnel", "add", "ipsec7", "local", "20.0.0.3", "remote", "20.0.0.2", "reqid", "77")
        check({p["reqid"] for p in tunnels(a)["ipsec7"]["policies"]} == {77}, "reqid 77 is that of its policies")
        for words, sentence in (
                (("add", "ipsec7", "local", "20.0.0.3", "remote", "20.0.0.9"), "a tunnel ipsec7 already"),
                (("add", "ipsec8", "local", "20.0.0.1", "remote", "20.0.0.2"), "has these two ends already"),
                (("add", "to-b", "local", "20.0.0.1", "remote", "20.0.0.9"), "a device to-b already"),
                (("add", "ipsec8", "local", "20.0.0.3", "remote", "20.0.0.4"), "a policy for protocol 4 or 41"),
                (("add", "ipsec8", "local", "20.0.0.1", "remote", "20.0.0.9", "nat-t", "4501,4500"), "not among the encapsulation_ports"),
                (("delete", "ipsec9"), "no tunnel ipsec9"), (("frob",), "expected add NAME")):
            said = refused(a, *words)
            check(sentence in said, f"{' '.join(words[:2])}: {sentence}", said)
        check("ipsec8" not in a.ip("link"), "what was refused leaves nothing behind")
        a.testudo("sysctl", "-w", "net.ipsecif.use_fixed_reqid=1")
        a.testudo("tunnel", "add", "ipsec3", "local", "20.0.0.3", "remote", "20.0.0.8")
        check((reqid(a, "ipsec3", "out", "ipv4"), reqid(a, "ipsec3", "in", "ipv6")) == (8198, 8199),
              "net.ipsecif.use_fixed_reqid: 8192 + 2 * 3, and one more for IPv6", tunnels(a)["ipsec3"])

        say("a tunnel's remote address behind the tunnel itself")
        a.ip("route", "add", "20.0.0.2/32", "dev", "ipsec0")
        with wire.capture() as seen:
            a.ping("10.6.0.2", answered=False)
        check(not seen.packets, "nothing leaves", seen.packets)
        check("ipsec0: recursively called too many times" in a.log_text(), "the log says why", a.log_text())
        check("TunnelRecursion" in a.testudo("drops"), "and the drops count it")
        a.ip("route", "del", "20.0.0.2/32", "dev", "ipsec0")
        a.ping("10.6.0.2")

        say("killed: what is routed into the tunnel does not leave in clear")
        b.ip("route", "add", "10.99.0.0/16", "dev", "lo")
        a.ip("route", "add", "default", "via", "20.0.0.2")
        a.stop_testudod(signal.SIGKILL)
        with wire.capture() as seen:
            a.ping("10.6.0.2", answered=False)
        check(not seen.packets, "nothing leaves while there is no daemon", seen.packets)
        a.start_testudod("tunnel = ipsec0 local 20.0.0.1 remote 20.0.0.2 unnumbered nat-t 4500,4500\n")
        a.setkey("spdflush;")
        key(a, "20.0.0.1", "20.0.0.2", "ipsec0", 4000, udp="4500")
        until(lambda: a.exec("ping", "-n", "-q", "-c", "1", "-W", "1", "10.6.0.2", check=False).returncode == 0)
        a.ping("10.6.0.2")
        check(a.stop_testudod() == 0 and "ipsec0" not in a.ip("link"), "SIGTERM takes the device away")


if __name__ == "__main__":
    if sys.argv[1:2] == ["gif"]:
        gif_main(*sys.argv[2:])
    main()
