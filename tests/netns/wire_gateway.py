"""A gateway with attach = wire, and what is around it.

    left ─── gate ═══════ router ═══════ far ─── right
           (wire)     (looks at the wire)  (host)
"""
KEY = "-E aes-gcm-16 0x000102030405060708090a0b0c0d0e0f10111213;"
SAS = f"""
flush; spdflush;
add 192.0.2.1 198.51.100.2 esp 0x1001 -m tunnel {KEY}
add 198.51.100.2 192.0.2.1 esp 0x1002 -m tunnel {KEY}
add 2001:db8:1::1 2001:db8:2::2 esp 0x1003 -m tunnel {KEY}
add 2001:db8:2::2 2001:db8:1::1 esp 0x1004 -m tunnel {KEY}
"""
NETS = [("10.1.0.0/24", "10.2.0.0/24", "192.0.2.1", "198.51.100.2"),
        ("fd01::/64", "fd02::/64", "2001:db8:1::1", "2001:db8:2::2")]
DEVICES = ("to-left", "to-router")


def config(way, inside="to-left"):
    return f"attach = wire\nwire_io = {way}\nwire_inside = {inside}\nwire_outside = to-router\n"


def policies(near):
    """Of the gate (near) or its peer; port 7777 in clear, 7778 to nobody."""
    lines = []
    for mine, theirs, here, there in NETS:
        if not near:
            mine, theirs, here, there = theirs, mine, there, here
        for port, what in ((7777, "none"), (7778, "discard")):
            for a, b in ((f"{mine} [{port}] {theirs}", f"{theirs} {mine} [{port}]"), (f"{mine} {theirs} [{port}]", f"{theirs} [{port}] {mine}")):
                lines += [f"spdadd {a} tcp -P out {what};", f"spdadd {b} tcp -P in {what};"]
        lines += [f"spdadd {mine} {theirs} any -P out ipsec esp/tunnel/{here}-{there}/require;",
                  f"spdadd {theirs} {mine} any -P in ipsec esp/tunnel/{there}-{here}/require;"]
    return SAS + "\n".join(lines)


def network(lab, way):
    left, gate, router, far, right = (lab.node(n) for n in ("left", "gate", "router", "far", "right"))
    lab.link(left, "10.1.0.9/24 fd01::9/64", gate, "10.1.0.1/24 fd01::1/64")
    wire = lab.link(router, "192.0.2.254/24 2001:db8:1::fe/64", gate, "192.0.2.1/24 2001:db8:1::1/64")
    lab.link(router, "198.51.100.254/24 2001:db8:2::fe/64", far, "198.51.100.2/24 2001:db8:2::2/64")
    lab.link(right, "10.2.0.9/24 fd02::9/64", far, "10.2.0.1/24 fd02::1/64")
    for node, v4, v6 in ((left, "10.1.0.1", "fd01::1"), (gate, "192.0.2.254", "2001:db8:1::fe"),
                         (far, "198.51.100.254", "2001:db8:2::fe"), (right, "10.2.0.1", "fd02::1")):
        node.ip("route", "add", "default", "via", v4)
        node.ip("-6", "route", "add", "default", "via", v6)
    # The router knows the ways to both: what leaves a gateway in clear arrives, and is seen.
    for to, via in (("10.1.0.0/24", "192.0.2.1"), ("10.2.0.0/24", "198.51.100.2"), ("fd01::/64", "2001:db8:1::1"), ("fd02::/64", "2001:db8:2::2")):
        router.ip("route", "add", to, "via", via)
    router.forward()
    far.forward()
    # Frames between two ends of a veth carry checksums that nobody has computed, and several segments; wires do not.  By
    # AF_PACKET the kernel tells which.
    if way == "xdp":
        for node, device in ((left, "to-gate"), (router, "to-gate")):
            node.exec("ethtool", "-K", device, "tx", "off", "gso", "off", "tso", "off")
    return left, gate, wire, far, right
