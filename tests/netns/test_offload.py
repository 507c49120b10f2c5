#!/usr/bin/env python3
"""Super-packets and trains of datagrams: whatever the kernel and the devices can, the bytes that arrive are the same.

    client 10.1.0.2, fd01::2 ── left ════ 10.3.0.0/24, fd03::/64 ════ right ── server 10.2.0.2, fd02::2
                                testudod                              testudod
"""
import os
import shutil
import socket
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lib import Lab, check, say, transfer

KEYS = "-E aes-gcm-16 0x0102030405060708090a0b0c0d0e0f1011121314"
SIZE, COUNT, BURSTS = 1000, 30, 20
UDP_SEGMENT = 103


def script(v4, encapsulated, out, into):
    a, b = ("10.3.0.1", "10.3.0.2") if v4 else ("fd03::1", "fd03::2")
    left, right = ("10.1.0.0/24", "10.2.0.0/24") if v4 else ("fd01::/64", "fd02::/64")
    protocol, port = ("esp-udp", "[4500]") if encapsulated else ("esp", "")
    return f"""
        add {a} {port} {b} {port} {protocol} 0x1000 -m tunnel {KEYS};
        add {b} {port} {a} {port} {protocol} 0x1001 -m tunnel {KEYS};
        spdadd {left} {right} any -P {out} ipsec esp/tunnel/{a}-{b}/require;
        spdadd {right} {left} any -P {into} ipsec esp/tunnel/{b}-{a}/require;"""


def network(lab):
    client, left, right, server = (lab.node(n) for n in ("client", "left", "right", "server"))
    lab.link(client, "10.1.0.2/24 fd01::2/64", left, "10.1.0.1/24 fd01::1/64")
    wire = lab.link(left, "10.3.0.1/24 fd03::1/64", right, "10.3.0.2/24 fd03::2/64")
    lab.link(right, "10.2.0.1/24 fd02::1/64", server, "10.2.0.2/24 fd02::2/64")
    for node, v4, v6 in ((client, "10.1.0.1", "fd01::1"), (left, "10.3.0.2", "fd03::2"), (right, "10.3.0.1", "fd03::1"),
                         (server, "10.2.0.1", "fd02::1")):
        node.ip("route", "add", "default", "via", v4)
        node.ip("-6", "route", "add", "default", "via", v6)
    left.forward(), right.forward()
    return client, left, right, server, wire


def bursts(sender, receiver, address):
    """Datagrams that leave their host as super-packets: each arrives once, whole, and with its own boundaries."""
    sink = receiver.popen(sys.executable, __file__, "receive", address, stdout=subprocess.PIPE, text=True)
    sink.stdout.readline()  # "listening"
    sent = sender.exec(sys.executable, __file__, "send", address, check=False)
    received = sink.stdout.read()
    sink.wait()
    check(sent.returncode == 0 and received == f"{BURSTS * COUNT} right, 0 wrong\n",
          f"UDP {sender.name} to {receiver.name}: {BURSTS} bursts of {COUNT} datagrams arrived as they were sent", f"{sent.stderr} / {received}")


def content(number):
    return number.to_bytes(4, "big") * (SIZE // 4)


def send_main(address):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SIZE)
    sock.connect((address, 5002))
    for burst in range(BURSTS):
        sock.send(b"".join(content(burst * COUNT + i) for i in range(COUNT)))
        if sock.recv(10) != b"on":
            sys.exit("the receiver did not answer")


def receive_main(address):
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("", 5002))
    sock.settimeout(10)
    print("listening", flush=True)
    right = wrong = 0
    try:
        while right + wrong < BURSTS * COUNT:
            data, source = sock.recvfrom(65535)
            if data == content(right + wrong):
                right += 1
            else:
                wrong += 1
            if (right + wrong) % COUNT == 0:
                sock.sendto(b"on", source)
    except TimeoutError:
        pass
    print(f"{right} right, {wrong} wrong", flush=True)


def everything(ends, v4):
    client, left, right, server, _ = ends
    there, back = ("10.2.0.2", "10.1.0.2") if v4 else ("fd02::2", "fd01::2")
    transfer(client, server, there)
    transfer(server, client, back)
    bursts(client, server, there)


def all_forms(ends, what):
    _, left, right, _, wire = ends
    for v4 in (True, False):
        for encapsulated in (False, True):
            form = f"{'IPv4' if v4 else 'IPv6'} {'UDP ESP' if encapsulated else 'ESP'}"
            say(f"{form}, {what}")
            for node, out, into in ((left, "out", "in"), (right, "in", "out")):
                node.setkey("flush; spdflush;" + script(v4, encapsulated, out, into))
            with wire.capture() as seen:
                everything(ends, v4)
            # Over IPv6 the tunnel's end cuts what is too large; over IPv4 the source is told to send less.
            seen.only(form, *([] if v4 else ["IPv6 fragment of " + ("UDP" if encapsulated else "ESP")]))


def start(left, right, left_offload, right_offload):
    for node, offload in ((left, left_offload), (right, right_offload)):
        if node.daemon:
            node.stop_testudod()
        node.start_testudod(f"offload = {offload}\n")
        word = {"on": "TCP", "off": "off"}[offload]
        check(f"offload      {word}" in node.testudo("status"), f"testudo status in {node.name} says offload {word}", node.testudo("status"))


def smaller_path(ends):
    """The path shrinks under a flow that sends super-packets: its source is told, and nothing travels in pieces."""
    client, left, right, server, wire = ends
    for node, device in ((left, "to-right"), (right, "to-left")):
        node.ip("link", "set", "mtu", "1400", "dev", device)
    with wire.capture() as seen:
        transfer(client, server, "10.2.0.2")
    seen.only("IPv4 UDP ESP")


def nat_behind_the_tunnel(ends):
    client, left, right, server, _ = ends
    right.exec("nft", "add table ip n; add chain ip n p { type nat hook prerouting priority -100; }; "
               "add rule ip n p ip daddr 10.2.0.9 dnat to 10.2.0.2")
    for node, out, into in ((left, "out", "in"), (right, "in", "out")):
        node.setkey("flush; spdflush;" + script(True, True, out, into))
    transfer(client, server, "10.2.0.9")
    bursts(client, server, "10.2.0.9")


def without_device_offload(ends):
    """No checksums, no segmentation, no joining in the devices of the wire."""
    _, left, right, _, _ = ends
    for node, device in ((left, "to-right"), (right, "to-left")):
        node.exec("ethtool", "-K", device, "tx", "off", "gso", "off", "tso", "off", "gro", "off", check=False)


def main():
    with Lab() as lab:
        ends = network(lab)
        _, left, right, _, _ = ends
        start(left, right, "on", "on")
        all_forms(ends, "super-packets at both ends")
        say("NAT behind the tunnel")
        nat_behind_the_tunnel(ends)
        say("a smaller path")
        smaller_path(ends)
        start(left, right, "on", "off")
        say("super-packets at one end")
        left.setkey(script(True, True, "out", "in"))
        right.setkey(script(True, True, "in", "out"))
        everything(ends, True)
        if shutil.which("ethtool"):
            say("devices that can nothing")
            without_device_offload(ends)
            everything(ends, True)


if __name__ == "__main__":
    if sys.argv[1:2] in (["send"], ["receive"]):
        {"send": send_main, "receive": receive_main}[sys.argv[1]](sys.argv[2])
    else:
        main()
