#!/usr/bin/env python3
"""generate_policy: a server without policies makes them for two road warriors behind one NAT, each its own.

    10.0.1.1 one 192.168.1.2 ─┐
                              ├─ nat (nft masquerade) 20.0.0.254 ── 20.0.0.1 server ─ 10.9.0.1
    10.0.2.1 two 192.168.2.2 ─┘

They go with the last SA of their peer, and a racoon that comes after a killed one takes them over.  Who asks for the networks of the other, or of a policy of the administrator, is
refused, and both sides say why; what the administrator adds later comes first.
"""
import re

from lib import Lab, check, say, until
from networks import OUTSIDE, SERVER, first_ping, tunnel, two_behind_a_nat
from racoon import NatRacoon

AT_SERVER = "generate_policy on; passive on; dpd_delay 20;"


def generated(server):
    return server.setkey("spddump;").stdout


def count_is(server, number):
    check(until(lambda: generated(server).count("/unique#") == number), f"the server has {number} generated policies", generated(server))


def both_are_served(one, two, server, wire):
    say("-- each gets policies and SAs of its own")
    at_server, clients = NatRacoon(server, OUTSIDE, more=AT_SERVER), [NatRacoon(one, SERVER), NatRacoon(two, SERVER)]
    check("ipsec" not in generated(server), "the server has no policy")
    with wire.capture() as seen:
        for client in clients:
            first_ping(client.node, "10.9.0.1")
            client.says("IPsec-SA established", "phase 2 is established")
        at_server.says("no policy found, try to generate the policy : 10.9.0.0/24 to 10.0.1.0/24 for 192.168.1.2", "what it does")
        at_server.says("IPsec-SA established", "phase 2 is established with both", 2)
        for _ in range(2):
            one.ping("10.9.0.1")
            two.ping("10.9.0.1")
        server.ping("10.0.1.1")
        server.ping("10.0.2.1")
    seen.only("IPv4 UDP", "IPv4 UDP ESP")
    count_is(server, 4)
    say("-- one ends: its policies go, the other's stay")
    clients[0].stop()
    count_is(server, 2)
    at_server.says("deleting a generated policy. 10.9.0.0/24 to 10.0.1.0/24", "what it does")
    two.ping("10.9.0.1")
    clients[0] = NatRacoon(one, SERVER)
    first_ping(one, "10.9.0.1")
    clients[0].says("IPsec-SA established", "phase 2 is established")
    count_is(server, 4)
    return at_server, clients


def refused(one, two, server, at_server, clients):
    say("-- the networks of the other are refused")
    two.ip("addr", "add", "10.0.1.7/32", "dev", "lo")
    two.setkey(tunnel("10.0.1.7/32", "10.9.0.0/24", "192.168.2.2", SERVER, "unique:3"))
    first_ping(two, "10.9.0.1", "-I", "10.0.1.7")
    at_server.says("networks are in use; ours: 10.9.0.0/24 to 10.0.1.0/24 of 192.168.1.2 at 20.0.0.254; theirs: 10.9.0.0/24 to 10.0.1.7", "why")
    clients[1].says('INVALID-ID-INFORMATION, the peer says "networks are in use; asked: 10.9.0.0/24 to 10.0.1.7', "why")
    one.ping("10.9.0.1")
    say("-- a policy that the administrator adds comes first")
    server.setkey("spdadd 10.9.0.0/24 10.0.1.0/26 any -P out discard;")
    count_is(server, 2)
    one.ping("10.9.0.1", count=1, answered=False)
    at_server.says("networks overlap those of a policy; ours: 10.9.0.0/24 to 10.0.1.0/26", "why")
    two.ping("10.9.0.1")
    server.setkey("spddelete 10.9.0.0/24 10.0.1.0/26 any -P out;")
    first_ping(one, "10.9.0.1")
    count_is(server, 4)
    one.ping("10.9.0.1")


def killed(one, two, server, wire, at_server, clients):
    say("-- racoon of the server is killed: what it protected stays protected, by the policies that it left")
    before = set(re.findall(r"spid=\d+", generated(server)))
    at_server.process.kill()
    at_server.process.wait(20)
    with wire.capture() as seen:
        one.ping("10.9.0.1")
        server.ping("10.0.2.1")
        at_server = NatRacoon(server, OUTSIDE, more=AT_SERVER)
        server.ping("10.0.1.1")
        count_is(server, 4)
        say("-- the next one knows them for its own: who asks for the same takes them over, whoever else waits")
        clients[0].process.kill()
        clients[0].process.wait(20)
        one.setkey("flush;")
        clients[0] = NatRacoon(one, SERVER)
        first_ping(one, "10.9.0.1")
        clients[0].says("IPsec-SA established", "phase 2 is established")
        at_server.says("no policy found, try to generate the policy : 10.9.0.0/24 to 10.0.1.0/24", "it makes them anew")
        one.ping("10.9.0.1")
        two.ping("10.9.0.1")
        check(set(re.findall(r"spid=\d+", generated(server))) == before, "in their places", generated(server))
    seen.only("IPv4 UDP", "IPv4 UDP ESP")
    clients[0].stop()
    at_server.says("deleting a generated policy. 10.9.0.0/24 to 10.0.1.0/24", "they go with its last SA")
    count_is(server, 2)
    two.ping("10.9.0.1")
    clients[1].stop()
    say("-- nobody comes back for the others: they end by themselves, after their SAs")
    count_is(server, 2)
    at_server.stop()


def main():
    with Lab() as lab:
        one, two, _, server, wire = two_behind_a_nat(lab)
        server.setkey("spdflush;")
        at_server, clients = both_are_served(one, two, server, wire)
        refused(one, two, server, at_server, clients)
        killed(one, two, server, wire, at_server, clients)


if __name__ == "__main__":
    main()
