#!/usr/bin/env python3
"""Where the packet filter stands: the rule set of README.md, as it stands there, on a gateway.  Its counters show that eth0 sees
only protected packets and the device only inner ones, each filtered by its name."""
import json
import re

from lib import SOURCE, Lab, check, run, say

POLICIES = """
spdadd {us} {them} any -P out ipsec {request}/tunnel/{a}-{b}/require;
spdadd {them} {us} any -P in ipsec {request}/tunnel/{b}-{a}/require;
"""
SAS = {
    "esp": "add {a} {b} esp {spi} -m tunnel {udp} -E aes-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 0x{key};",
    "ah": "add {a} {b} ah {spi} -m tunnel -A hmac-sha1 0x{key};",
}
KEY = "000102030405060708090a0b0c0d0e0f10111213"


def rule_set():
    blocks = re.findall(r"```nft\n(.*?)```", (SOURCE / "README.md").read_text(encoding="utf-8"), re.S)
    check(len(blocks) == 1, "README.md has one rule set")
    return blocks[0]


def counters(node):
    """Packets by the comments of the rules that count them."""
    found = json.loads(node.exec("nft", "-j", "list", "table", "inet", "firewall").stdout)["nftables"]
    rules = [r["rule"] for r in found if "rule" in r and "comment" in r["rule"]]
    return {r["comment"]: next(e["counter"]["packets"] for e in r["expr"] if "counter" in e) for r in rules}


def link(lab, a, a_device, a_addresses, b, b_device, b_addresses):
    run("ip", "link", "add", a_device, "netns", a.ns, "type", "veth", "peer", "name", b_device, "netns", b.ns)
    for node, device, addresses in ((a, a_device, a_addresses), (b, b_device, b_addresses)):
        for address in addresses:
            node.ip("addr", "add", address, "dev", device, *(["nodad"] if ":" in address else []))
        node.ip("link", "set", device, "up")


def set_keys(gateways, protocol, udp=""):
    """`udp` is for the addresses of IPv4 alone."""
    ends = [("20.0.0.1", "20.0.0.2", "10.0.1.0/24", "10.0.2.0/24")]
    if not udp:
        ends.append(("fd20::1", "fd20::2", "fd01::/64", "fd02::/64"))
    for mine, gateway in enumerate(gateways):
        script = "flush; spdflush;"
        for n, (a, b, left, right) in enumerate(ends):
            port = "[4500]" if udp else ""
            for i, (source, destination) in enumerate(((a, b), (b, a))):
                sa = SAS[protocol].format(a=source + port, b=destination + port, spi=1000 + 10 * n + i, key=KEY, udp="")
                script += sa.replace(" esp ", " esp-udp ") if udp else sa
            us, them, here, there = (left, right, a, b) if mine == 0 else (right, left, b, a)
            script += POLICIES.format(us=us, them=them, a=here, b=there, request=protocol)
        gateway.setkey(script)


def main():
    with Lab() as lab:
        left, gateway, other, right = (lab.node(n) for n in ("left", "gw", "other", "right"))
        link(lab, left, "eth0", ["10.0.1.2/24", "fd01::2/64"], gateway, "eth1", ["10.0.1.1/24", "fd01::1/64"])
        link(lab, gateway, "eth0", ["20.0.0.1/24", "fd20::1/64"], other, "eth0", ["20.0.0.2/24", "fd20::2/64"])
        link(lab, other, "eth1", ["10.0.2.1/24", "fd02::1/64"], right, "eth0", ["10.0.2.2/24", "fd02::2/64"])
        for host, number in ((left, 1), (right, 2)):
            host.ip("route", "add", "default", "via", f"10.0.{number}.1")
            host.ip("-6", "route", "add", "default", "via", f"fd0{number}::1")
        for node, way in ((gateway, "20.0.0.2"), (other, "20.0.0.1")):
            node.ip("route", "add", "default", "via", way)  # what nothing leads to, a host cannot send, protected or not
            node.forward()
            node.start_testudod()
        gateway.exec("nft", "-f", "-", input=rule_set())

        for protocol, udp in (("esp", ""), ("ah", ""), ("esp", "4500")):
            say(f"{protocol} in tunnels{' in UDP' if udp else ''}")
            set_keys((gateway, other), protocol, udp)
            before = counters(gateway)
            left.ping("10.0.2.2")
            if not udp:
                left.ping("fd02::2")
            right.ping("10.0.1.1")
            now = counters(gateway)
            grown = {name: now[name] - before[name] for name in now if now[name] != before[name]}
            inner = 3 if udp else 6
            outside = "IKE and ESP in UDP" if udp else "protected"
            # The gateway answers the pings from the other side itself.
            expected = {f"{outside}, going out": inner + 3, f"{outside}, coming in": inner + 3, "to be protected": inner,
                        "opened, passed on": inner, "opened, for us": 3, "all that is to be protected": inner + 3}
            check(grown == expected, "eth0 saw only protected packets, the device only inner ones", grown)

        say("each can be filtered")
        check(right.unheard("10.0.1.2", 23), "telnet is opened and then dropped, by the name of the device")
        check(not right.unheard("10.0.1.2", 24), "another port is not")
        now = counters(gateway)
        check(now["opened, telnet"] > 0 and now["in clear, going out"] == 0 and now["forwarded in clear"] == 0, "the counters agree", now)
        other.ping("20.0.0.1", count=1, answered=False)
        check(counters(gateway)["in clear, coming in"] == 1, "what comes in clear on eth0 is dropped there")


if __name__ == "__main__":
    main()
