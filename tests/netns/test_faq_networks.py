#!/usr/bin/env python3
"""The tunnel examples of the NetBSD IPsec FAQ: two networks with gateways, and a leaf node that protects all it says.

    cloud1 10.0.1.5 ── 10.0.1.1 gateway1 20.0.0.1 ══ wire ══ 20.0.0.2 gateway2 10.0.2.1 ── 10.0.2.2 cloud2
                                testudod                              testudod
"""
from lib import Lab, check, say, transfer

VPN = """
add 20.0.0.1 20.0.0.2 esp 13245 -E blowfish-cbc "blowfishtest.001" ;
add 20.0.0.2 20.0.0.1 esp 13246 -E blowfish-cbc 0xdeadbeefdeadbeefdeadbeefdeadbeef;
spdadd 10.0.1.0/24 10.0.2.0/24 any -P DIR1 ipsec esp/tunnel/20.0.0.1-20.0.0.2/require ;
spdadd 10.0.2.0/24 10.0.1.0/24 any -P DIR2 ipsec esp/tunnel/20.0.0.2-20.0.0.1/require ;
"""
LEAF = """
add 10.0.1.1 10.0.1.5 esp 1011 -E rijndael-cbc "rijndaeltest.001" ;
add 10.0.1.5 10.0.1.1 esp 1012 -E rijndael-cbc 0xdeadbeefdeadbeefdeadbeefdeadbeef;
spdadd 10.0.1.5/32 0.0.0.0/0 any -P DIR1 ipsec esp/tunnel/10.0.1.5-10.0.1.1/require;
spdadd 0.0.0.0/0 10.0.1.5/32 any -P DIR2 ipsec esp/tunnel/10.0.1.1-10.0.1.5/require;
"""


def out_here(script):
    return script.replace("DIR1", "out").replace("DIR2", "in")


def in_here(script):
    return script.replace("DIR1", "in").replace("DIR2", "out")


def v6(script):
    """The same networks with IPv6 numbers."""
    for old, new in (("10.0.1.0/24", "fd00:1::/64"), ("10.0.2.0/24", "fd00:2::/64"), ("0.0.0.0/0", "::/0"), ("/32", "/128"),
                     ("10.0.1.5", "fd00:1::5"), ("10.0.1.1", "fd00:1::1"),
                     ("20.0.0.1", "fd00:20::1"), ("20.0.0.2", "fd00:20::2")):
        script = script.replace(old, new)
    return script


def build(lab):
    cloud1, gateway1, gateway2, cloud2 = (lab.node(n) for n in ("cloud1", "gateway1", "gateway2", "cloud2"))
    inside = lab.link(cloud1, "10.0.1.5/24 fd00:1::5/64", gateway1, "10.0.1.1/24 fd00:1::1/64")
    wire = lab.link(gateway1, "20.0.0.1/24 fd00:20::1/64", gateway2, "20.0.0.2/24 fd00:20::2/64")
    lab.link(gateway2, "10.0.2.1/24 fd00:2::1/64", cloud2, "10.0.2.2/24 fd00:2::2/64")
    for node, towards in ((cloud1, "1"), (cloud2, "2")):
        node.ip("route", "add", "default", "via", f"10.0.{towards}.1")
        node.ip("-6", "route", "add", "default", "via", f"fd00:{towards}::1")
    for node in (gateway1, gateway2):
        node.forward()
    return cloud1, gateway1, gateway2, cloud2, inside, wire


def vpn(nodes, wire, script, family):
    cloud1, gateway1, gateway2, cloud2 = nodes
    ip, far, near = ("IPv6", "fd00:2::2", "fd00:1::5") if family == 6 else ("IPv4", "10.0.2.2", "10.0.1.5")
    gateway1.setkey("flush; spdflush;" + out_here(script))
    gateway2.setkey("flush; spdflush;" + in_here(script))
    if family == 6:  # the first large packets of each side come back as "packet too big"
        for node, address in ((cloud1, far), (cloud2, near)):
            node.exec("ping", "-n", "-q", "-i", "0.2", "-c", "3", "-W", "1", "-s", "1400", address, check=False)
    with wire.capture() as seen:
        cloud1.ping(far)
        cloud2.ping(near, size=1400)
        cloud1.ping(far, size=3000)
        transfer(cloud1, cloud2, far)
        transfer(cloud2, cloud1, near)
    seen.only(f"{ip} ESP", f"{ip} fragment of ESP")
    say(" one gateway forgets its outbound policy: the other refuses the clear packets")
    gateway1.setkey("spdflush;")
    gateway1.ip("route", "replace", "10.0.2.0/24", "via", "20.0.0.2")
    gateway1.ip("-6", "route", "replace", "fd00:2::/64", "via", "fd00:20::2")
    with wire.capture() as seen:
        cloud1.ping(far, answered=False)
    seen.only(f"{ip} ICMP{'v6' if family == 6 else ''}")


def leaf(nodes, wire, inside, script, family):
    """Everything that the leaf says to anybody is protected as far as its router."""
    node, router, gateway2, beyond = nodes
    gateway2.setkey("flush; spdflush;")
    ip, far = ("IPv6", "fd00:2::2") if family == 6 else ("IPv4", "10.0.2.2")
    node.setkey("flush; spdflush;" + out_here(script))
    router.setkey("flush; spdflush;" + in_here(script))
    with wire.capture() as second, inside.capture() as first:
        node.ping(far)
        beyond.ping("fd00:1::5" if family == 6 else "10.0.1.5")
        transfer(node, beyond, far)
    first.only(f"{ip} ESP", f"{ip} fragment of ESP")
    second.only(f"{ip} ICMP{'v6' if family == 6 else ''}", f"{ip} TCP")
    say(" the router masquerades: answers go back to the leaf protected")
    router.exec("nft", "add table inet home; add chain inet home out { type nat hook postrouting priority srcnat; };"
                       f"add rule inet home out oifname {wire.device} masquerade")
    with inside.capture() as first:
        node.ping(far)
        transfer(node, beyond, far)
    first.only(f"{ip} ESP", f"{ip} fragment of ESP")
    router.exec("nft", "delete table inet home")
    node.setkey("flush; spdflush;")


def main():
    with Lab() as lab:
        *nodes, inside, wire = build(lab)
        cloud1, gateway1, gateway2, _ = nodes
        for node in (gateway1, gateway2):
            node.start_testudod()
        say("VPN with blowfish-cbc, IPv4")
        vpn(nodes, wire, VPN, 4)
        say("VPN with blowfish-cbc, IPv6")
        vpn(nodes, wire, v6(VPN), 6)
        say("VPN of IPv6 networks through IPv4")
        through = v6(VPN).replace("fd00:20::", "20.0.0.")
        gateway1.setkey("flush; spdflush;" + out_here(through))
        gateway2.setkey("flush; spdflush;" + in_here(through))
        with wire.capture() as seen:
            cloud1.ping("fd00:2::2")
        seen.only("IPv4 ESP")
        cloud1.start_testudod()
        gateway2.ip("route", "add", "default", "via", "20.0.0.1")
        gateway2.ip("-6", "route", "add", "default", "via", "fd00:20::1")
        say("leaf node tunnels everything, IPv4")
        leaf(nodes, wire, inside, LEAF, 4)
        say("leaf node tunnels everything, IPv6")
        leaf(nodes, wire, inside, v6(LEAF), 6)
        say("what the gateways counted")
        stats = gateway2.testudo("stats")
        check("esp" in stats.lower(), "testudo stats speaks of ESP")


if __name__ == "__main__":
    main()
