"""Hosts, links and policies that several tests have.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right       two_hosts, two_networks

    10.0.1.1 one 192.168.1.2 ─┐
                              ├─ nat (nft masquerade) 20.0.0.254 ── 20.0.0.1 server ─ 10.9.0.1       two_behind_a_nat
    10.0.2.1 two 192.168.2.2 ─┘
"""
LEFT, RIGHT = "10.2.3.4", "10.2.3.5"
LEFT_NET, RIGHT_NET = "10.8.0.0/24", "10.9.0.0/24"
LEFT_INSIDE, RIGHT_INSIDE = "10.8.0.1", "10.9.0.1"
SERVER, OUTSIDE = "20.0.0.1", "20.0.0.254"


def transport(here, there):
    """Policies of the host `here`: ESP for all between the two, IKE's own packets with it."""
    return f"""
        spdadd {here} {there} any -P out ipsec esp/transport//require;
        spdadd {there} {here} any -P in ipsec esp/transport//require;
    """


def tunnel(inside, other, here, there, level="require", protocol="esp"):
    """Policies of the gateway `here` of the network `inside`."""
    return f"""
        spdadd {inside} {other} any -P out ipsec {protocol}/tunnel/{here}-{there}/{level};
        spdadd {other} {inside} any -P in ipsec {protocol}/tunnel/{there}-{here}/{level};
    """


def two_hosts(lab, left_more="", right_more=""):
    """Without testudod; `more`: further addresses."""
    left, right = lab.node("left"), lab.node("right")
    return left, right, lab.link(left, f"{LEFT}/24 {left_more}", right, f"{RIGHT}/24 {right_more}")


def two_networks(lab):
    """Two hosts with a network behind each; testudod and policies are on the left one."""
    left, right, _ = two_hosts(lab)
    for node, inside, other, there in ((left, LEFT_INSIDE, RIGHT_NET, RIGHT), (right, RIGHT_INSIDE, LEFT_NET, LEFT)):
        node.ip("addr", "add", f"{inside}/32", "dev", "lo")
        node.ip("route", "add", other, "via", there, "src", inside)
    left.start_testudod()
    protect(left)
    return left, right


def protect(node):
    """The policies of either of two_networks, alone."""
    ends = (LEFT_NET, RIGHT_NET, LEFT, RIGHT) if node.name == "left" else (RIGHT_NET, LEFT_NET, RIGHT, LEFT)
    node.setkey("spdflush; flush;" + tunnel(*ends))


def nat_of_two(lab, ports):
    """(one, two, nat, server, the wire outside); the first two and the last run testudod, and have neither SAs nor policies.

    ports: rules of nft(8) for a chain of the NAT, which say what the clients' packets get.
    """
    one, two, nat, server = (lab.node(name) for name in ("one", "two", "nat", "server"))
    for number, client in ((1, one), (2, two)):
        lab.link(client, f"192.168.{number}.2/24", nat, f"192.168.{number}.1/24")
        client.ip("addr", "add", f"10.0.{number}.1/32", "dev", "lo")
        client.ip("route", "add", "default", "via", f"192.168.{number}.1", "src", f"10.0.{number}.1")
        client.ip("route", "add", SERVER, "via", f"192.168.{number}.1", "src", f"192.168.{number}.2")
    wire = lab.link(server, f"{SERVER}/24", nat, f"{OUTSIDE}/24")
    server.ip("addr", "add", f"{RIGHT_INSIDE}/32", "dev", "lo")
    server.ip("route", "add", "10.0.0.0/16", "via", OUTSIDE, "src", RIGHT_INSIDE)
    nat.forward()
    masquerade(nat, ports)
    for node in (one, two, server):
        node.start_testudod()
    return one, two, nat, server, wire


def masquerade(nat, ports):
    """The rules of nat_of_two(), also in place of those of before."""
    nat.exec("nft", f"table ip masq {{ }}; delete table ip masq; table ip masq {{ chain post {{ type nat hook postrouting priority srcnat; {ports}; }}; }}")


def two_behind_a_nat(lab):
    """As nat_of_two(), with policies."""
    # Both clients send from ports 500 and 4500; only one can keep them.
    one, two, nat, server, wire = nat_of_two(lab, "oifname to-server masquerade random")
    for number, client in ((1, one), (2, two)):
        client.setkey(tunnel(f"10.0.{number}.0/24", RIGHT_NET, f"192.168.{number}.2", SERVER, f"unique:{number}"))
        server.setkey(tunnel(RIGHT_NET, f"10.0.{number}.0/24", SERVER, OUTSIDE, f"unique:{number}"))
    return one, two, nat, server, wire


def first_ping(node, address, *extra):
    """Brings the keys, and may be lost."""
    return node.exec("ping", "-n", "-q", "-c", "1", "-W", "1", *extra, address, check=False)
