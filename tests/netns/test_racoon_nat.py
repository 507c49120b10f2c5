#!/usr/bin/env python3
"""racoon behind a NAT: two clients with one address outside, and a server that tells them apart by their ports.

    10.0.1.1 one 192.168.1.2 ─┐
                              ├─ nat (nft masquerade) 20.0.0.254 ── 20.0.0.1 server ─ 10.9.0.1
    10.0.2.1 two 192.168.2.2 ─┘

RFC 3947: NAT-D finds the NAT, which later forgets its mappings, IKE goes on at port 4500 behind the non-ESP marker, ESP travels in UDP.  Then the reasons
that both ends give: a name that the server does not take, and AH, which no NAT lets through.
"""
import struct
import subprocess
import sys

from lib import Lab, check, say, transfer, until
from networks import OUTSIDE, SERVER, first_ping, transport, tunnel, two_behind_a_nat
from racoon import NatRacoon, stop_all


def keyed(one, two, server, wire):
    say("-- both clients get keys through the NAT")
    at_server, clients = NatRacoon(server, OUTSIDE), [NatRacoon(one, SERVER), NatRacoon(two, SERVER)]
    with wire.capture() as seen:
        for client in clients:
            first_ping(client.node, "10.9.0.1")
            client.says("IPsec-SA established", "phase 2 is established")
            client.says("NAT here by RFC 3947, ESP in UDP", "the NAT is found")
        at_server.says("NAT at the peer by RFC 3947, ESP in UDP", "the NAT is found", 2)
        for _ in range(2):
            one.ping("10.9.0.1")
            two.ping("10.9.0.1")
        server.ping("10.0.1.1")
        server.ping("10.0.2.1")
        until(lambda: False, 2.5)
    seen.only("IPv4 UDP", "IPv4 UDP ESP")
    ports = [struct.unpack_from("!HH", frame, 20) for frame, kind in zip(seen.frames, seen.packets) if kind == "IPv4 UDP ESP"]
    outside = {source for source, destination in ports if destination == 4500}
    check(len(outside) == 2, "the server is spoken to from two ports", str(outside))
    alive = [f for f in seen.frames if f[9] == 17 and struct.unpack_from("!HHH", f, 20)[1:] == (4500, 9) and f[28] == 0xff]
    check(len(alive) >= 4, "keepalives keep the mappings of both", str(len(alive)))
    dump = server.setkey("dump;").stdout
    check(dump.count("esp-udp mode=tunnel") == 4 and dump.count("mature") == 4, "setkey -D shows four SAs of ESP in UDP", dump)
    drops = server.testudo("drops")
    check("NatKeepalive" in drops and drops.count("last:") == 1, "the server dropped keepalives alone", drops)
    say("-- one client ends: the other's SAs stay")
    clients[0].stop()
    check(until(lambda: server.setkey("dump;").stdout.count("mature") == 2), "two SAs are left", server.setkey("dump;").stdout)
    two.ping("10.9.0.1")
    say("-- and comes again: INITIAL-CONTACT takes nothing from the other")
    clients[0] = NatRacoon(one, SERVER)
    first_ping(one, "10.9.0.1")
    clients[0].says("IPsec-SA established", "phase 2 is established")
    one.ping("10.9.0.1")
    two.ping("10.9.0.1")
    stop_all((*clients, at_server))
    check("mature" not in server.setkey("dump;").stdout, "the daemons leave no SA behind", server.setkey("dump;").stdout)


def esp(seen):
    """(port, port, SPI, datagram) of ESP in UDP; keepalives are no more than a byte."""
    frames = [frame for frame, kind in zip(seen.frames, seen.packets) if kind == "IPv4 UDP ESP" and len(frame) > 36]
    return [(*struct.unpack_from("!HHxxxxI", frame, 20), frame[28:]) for frame in frames]


def outside_ports(seen):
    """Ports of the NAT that ESP came to the server from, in order, each once."""
    return list(dict.fromkeys(source for source, destination, *_ in esp(seen) if destination == 4500))


def forgets(one, two, server, nat, wire):
    say("-- the NAT forgets its mappings: what the server sends follows the first genuine packet, and no forged one")
    at_server, clients = NatRacoon(server, OUTSIDE), [NatRacoon(one, SERVER), NatRacoon(two, SERVER)]
    for client in clients:
        first_ping(client.node, "10.9.0.1")
        client.says("IPsec-SA established", "phase 2 is established")
    with wire.capture() as seen:
        one.ping("10.9.0.1")
        server.ping("10.0.1.1")
    before, spis = outside_ports(seen)[0], {spi for _, _, spi, _ in esp(seen)}
    sealed = next(datagram for _, destination, _, datagram in esp(seen) if destination == 4500)
    dump = server.setkey("dump;").stdout
    check(f"[{before}]" in dump, "setkey -D names the port outside", dump)
    say("   (forged: the same packet again, and changed, from another port)")
    for payload in (sealed, sealed[:-1] + bytes([sealed[-1] ^ 1])):
        nat.exec("python3", "-c", f"""
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("{OUTSIDE}", 7777))
s.sendto(bytes.fromhex("{payload.hex()}"), ("{SERVER}", 4500))
""")
    server.ping("10.0.1.1")
    check("has changed its mapping" not in at_server.text() and server.setkey("dump;").stdout.count(f"[{before}]") == dump.count(f"[{before}]"),
          "nothing moves", at_server.text())
    # masquerade forgets what went out of a device that goes down, and takes other ports at random.
    nat.ip("link", "set", "to-server", "down")
    nat.ip("link", "set", "to-server", "up")
    with wire.capture() as seen:
        for client in (one, two):  # whose first packet is answered where the NAT no longer listens
            until(lambda node=client: first_ping(node, "10.9.0.1").returncode == 0)
        at_server.says("has changed its mapping", "the NAT has other ports", 2)
        one.ping("10.9.0.1")
        server.ping("10.0.1.1")
        two.ping("10.9.0.1")
        server.ping("10.0.2.1")
    now = [port for port in outside_ports(seen) if port != before]
    check(now, "the NAT has other ports", str(outside_ports(seen)))
    used = {spi for _, _, spi, _ in esp(seen)}
    check(spis <= used, "by the same SAs", f"{spis} {used}")
    dump = server.setkey("dump;").stdout
    check(f"[{before}]" not in dump and f"[{now[0]}]" in dump and dump.count("mature") == 4, "setkey -D names the new one, and there are four SAs", dump)
    # The NAT says by ICMP that nobody is at the old port.
    clear = [k for f, k in zip(seen.frames, seen.packets) if k not in ("IPv4 UDP", "IPv4 UDP ESP") and (k, f[20]) != ("IPv4 ICMP", 3)]
    check(not clear, "nothing goes in clear", str(clear))
    clients[0].stop()
    check(until(lambda: server.setkey("dump;").stdout.count("mature") == 2), "moved SAs go with their peer", server.setkey("dump;").stdout)
    clients[1].stop()
    at_server.stop()
    check("mature" not in server.setkey("dump;").stdout, "and none is left behind", server.setkey("dump;").stdout)


ECHO = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5353))
print("bound", flush=True)
for _ in range(3):
    data, peer = s.recvfrom(2000)
    s.sendto(data[::-1], peer)
"""
ASK = """
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
for number in range(3):
    data = bytes([number] * (100 + number))
    s.sendto(data + b"!", ("{server}", 5353))
    assert s.recvfrom(2000)[0] == b"!" + data
"""


def in_transport_mode(one, server, wire):
    """RFC 3948 section 3.1.2: checksums of TCP and UDP are over addresses that the NAT changed outside, where they are sealed."""
    say("-- transport mode: TCP and UDP both ways, and who had which address is in the SAs")
    for node, here, there in ((one, "192.168.1.2", SERVER), (server, SERVER, OUTSIDE)):
        node.setkey("spdflush;" + transport(here, there))
    at_server, client = NatRacoon(server, OUTSIDE), NatRacoon(one, SERVER)
    with wire.capture() as seen:
        first_ping(one, SERVER)
        client.says("IPsec-SA established", "phase 2 is established")
        one.ping(SERVER)
        server.ping(OUTSIDE)
        transfer(one, server, SERVER)
        echo = server.popen(sys.executable, "-c", ECHO, stdout=subprocess.PIPE, text=True)
        echo.stdout.readline()
        asked = one.exec(sys.executable, "-c", ASK.format(server=SERVER), check=False)
        check(asked.returncode == 0, "datagrams come and their answers, too", asked.stderr)
        echo.wait(20)
    seen.only("IPv4 UDP", "IPv4 UDP ESP")
    dump = server.setkey("dump;").stdout
    check(dump.count("esp-udp mode=transport") == 2, "setkey -D shows two SAs of transport mode in UDP", dump)
    check("NAT OA=192.168.1.2" in dump, "and the address of the client behind its NAT", dump)
    at_server.stop()
    client.stop()


def numbers_of(train, spi):
    """Sequence numbers of the datagrams of one SA that follow each other there, each with its SPI in front: chance has it once
    in 4,000,000 trains that something else looks so."""
    head = struct.pack("!I", spi)
    places = [at for at in range(0, len(train) - 8, 2) if train[at:at + 4] == head]
    return [struct.unpack_from("!I", train, at + 4)[0] for at in places]


def cuts(one, server, wire):
    """RFC 3948 has no way to say that a NAT drops fragments of UDP: packets are cut before they are encrypted."""
    say("-- esp_frag: what the client sends is cut inside")
    at_server, client = NatRacoon(server, OUTSIDE), NatRacoon(one, SERVER, more="esp_frag 552;")
    first_ping(one, "10.9.0.1")
    client.says("IPsec-SA established", "phase 2 is established")
    with wire.capture() as seen:
        # What may not be cut is refused, as by any path that is too narrow.
        done = one.exec("ping", "-n", "-q", "-c", 1, "-W", 30, "-M", "dont", "-s", 1200, "10.9.0.1", check=False)
        check(done.returncode == 0, "an echo of 1200 bytes", done.stdout)
    seen.only("IPv4 UDP", "IPv4 UDP ESP")
    # Sealed alike they may pass the veth as one train.
    numbers = {number for _, destination, spi, sealed in esp(seen) if destination == 4500 for number in numbers_of(sealed, spi)}
    to_client = [len(sealed) for source, _, _, sealed in esp(seen) if source == 4500]
    check(len(numbers) == 3, "leaves in three pieces", str(seen.packets))
    check(len(to_client) == 1, "and comes back whole: the other side has another configuration", str(to_client))
    at_server.stop()
    client.stop()


def refused(one, server, wire):
    say("-- a name that the server does not take: both say why")
    at_server, client = NatRacoon(server, OUTSIDE, more="peers_identifier address 192.168.77.7;"), NatRacoon(one, SERVER)
    with wire.capture() as seen:
        first_ping(one, "10.9.0.1")
        at_server.says("identifier does not match; ours: 192.168.77.7 or 20.0.0.254; theirs: 192.168.1.2; add peers_identifier address 192.168.1.2", "why")
        client.says("INVALID-ID-INFORMATION; the peer expects another identifier of this host", "why")
    check(seen.count("IPv4 ICMP") == 0, "nothing goes in clear", str(seen.packets))
    at_server.stop()
    client.stop()
    say("-- AH: both say why")
    at_server, client = NatRacoon(server, OUTSIDE), NatRacoon(one, SERVER)
    one.setkey("spdflush;" + tunnel("10.0.1.0/24", "10.9.0.0/24", "192.168.1.2", SERVER, "unique:1", "ah"))
    first_ping(one, "10.9.0.1")
    client.says("protocol cannot pass; ours: AH; theirs: NAT here by RFC 3947", "AH is not for NATs")
    at_server.stop()
    client.stop()


def main():
    with Lab() as lab:
        one, two, nat, server, wire = two_behind_a_nat(lab)
        keyed(one, two, server, wire)
        forgets(one, two, server, nat, wire)
        cuts(one, server, wire)
        refused(one, server, wire)
        in_transport_mode(one, server, wire)


if __name__ == "__main__":
    main()
