#!/usr/bin/env python3
"""Two clients behind one NAT, told apart by their ports, and a NAT that gives one of them another port.

    10.0.1.1 one 192.168.1.2 ─┐
                              ├─ nat 20.0.0.254 ── 20.0.0.1 server ─ 10.9.0.1
    10.0.2.1 two 192.168.2.2 ─┘     61001, 61002    testudod
"""
import socket
import struct

from lib import Lab, check, say, until
from networks import masquerade, nat_of_two

REGISTER, NEW_MAPPING, ESP = 7, 23, 3
NAT_T_DPORT = 22


def keys(number):
    return f'-m tunnel -r 4 -E aes-cbc "1234567890123{number:03}" -A hmac-sha1 "12345678901234567{number:03}"'


def server_sas(number, port, command="add"):
    # Both clients chose the same SPI for what they receive.
    return f"""
        {command} 20.0.0.254[{port}] 20.0.0.1[4500] esp-udp 0x100{number} {keys(number)};
        {command} 20.0.0.1[4500] 20.0.0.254[{port}] esp-udp 0x2000 {keys(number + 10)};"""


def server_policies(number, port, command="spdadd"):
    return f"""
        {command} 10.0.{number}.0/24 10.9.0.0/24 any -P in ipsec esp/tunnel/20.0.0.254[{port}]-20.0.0.1[4500]/require;
        {command} 10.9.0.0/24 10.0.{number}.0/24 any -P out ipsec esp/tunnel/20.0.0.1[4500]-20.0.0.254[{port}]/require;"""


def client_script(number):
    me = f"192.168.{number}.2"
    return f"""
        add {me} 20.0.0.1 esp-udp 0x100{number} {keys(number)};
        add 20.0.0.1 {me} esp-udp 0x2000 {keys(number + 10)};
        spdadd 10.0.{number}.0/24 10.9.0.0/24 any -P out ipsec esp/tunnel/{me}-20.0.0.1/require;
        spdadd 10.9.0.0/24 10.0.{number}.0/24 any -P in ipsec esp/tunnel/20.0.0.1-{me}/require;"""


def ports_of(port_of_one):
    return f"ip saddr 192.168.1.2 udp sport 4500 masquerade to :{port_of_one}; ip saddr 192.168.2.2 udp sport 4500 masquerade to :61002"


def forget_after(nat, seconds):
    """How long the NAT keeps a mapping of UDP after the next packet."""
    for name in ("udp_timeout", "udp_timeout_stream"):
        nat.sysctl(f"net.netfilter.nf_conntrack_{name}", seconds)


class KeyDaemon:
    """A client of PF_KEY that has registered for ESP."""

    def __init__(self, node):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.connect(str(node.run_dir / "pfkey.sock"))
        self.socket.settimeout(20)
        self.socket.send(struct.pack("=BBBBHHII", 2, REGISTER, 0, ESP, 2, 0, 1, 4711))
        self.next(REGISTER)

    def next(self, kind):
        """The first message of this kind; others are passed over."""
        while True:
            message = self.socket.recv(65536)
            if message[1] == kind:
                return message

    def how_many(self, kind):
        """Of those that have come."""
        self.socket.setblocking(False)
        count = 0
        try:
            while True:
                count += self.socket.recv(65536)[1] == kind
        except BlockingIOError:
            self.socket.settimeout(20)
            return count


def port_in(message):
    """SADB_X_EXT_NAT_T_DPORT."""
    at = 16
    while at < len(message):
        length, kind = struct.unpack_from("=HH", message, at)
        if kind == NAT_T_DPORT:
            return struct.unpack_from("!H", message, at + 4)[0]
        at += length * 8
    return None


def build(lab):
    one, two, nat, server, wire = nat_of_two(lab, ports_of(61001))
    for number, client in ((1, one), (2, two)):
        client.setkey(client_script(number))
        server.setkey(server_sas(number, 61000 + number) + server_policies(number, 61000 + number))
    return one, two, nat, server, wire


def mapping_changes(one, two, nat, server):
    say("the NAT forgets its mapping and chooses another port for one of them")
    daemon = KeyDaemon(server)
    forget_after(nat, 1)
    one.ping("10.9.0.1")
    masquerade(nat, ports_of(61009))
    until(lambda: False, 3)
    forget_after(nat, 120)
    one.ping("10.9.0.1", answered=False)
    told = daemon.next(NEW_MAPPING)
    check(port_in(told) == 61009, "the key daemon is told of port 61009", told.hex())
    check(daemon.how_many(NEW_MAPPING) == 0, "once")
    two.ping("10.9.0.1")
    say("the key daemon updates ports, and it goes on with the sequence numbers of before")
    server.setkey(server_sas(1, 61009, "update"))
    server.setkey(server_policies(1, 61009, "spdupdate"))
    one.ping("10.9.0.1")
    two.ping("10.9.0.1")
    check(daemon.how_many(NEW_MAPPING) == 0, "nothing more is told")


def main():
    with Lab() as lab:
        one, two, nat, server, wire = build(lab)
        say("both clients talk to the server")
        with wire.capture() as seen:
            for _ in range(2):
                one.ping("10.9.0.1")
                two.ping("10.9.0.1")
            server.ping("10.0.1.1")
            server.ping("10.0.2.1")
        seen.only("IPv4 UDP ESP")
        check("0  packets dropped" in server.testudo("drops"), "the server dropped nothing", server.testudo("drops"))
        mapping_changes(one, two, nat, server)


if __name__ == "__main__":
    main()
