#!/usr/bin/env python3
"""What else on a host would get in the way of IPsec is said at the start and by `testudo status`."""
import json

from lib import Lab, check, say

FIREWALL = """
table inet firewall {
  chain input { type filter hook input priority 0; policy drop; iifname "lo" accept; ct state established accept; }
  chain early { type filter hook prerouting priority -10; meta nfproto ipv6 fib saddr . mark . iif oif missing drop; }
  chain out { type filter hook output priority 0; meta l4proto { ah, esp } drop; udp dport 4000-5000 drop; }
  chain nat { type nat hook postrouting priority 100; ip saddr 10.0.0.0/8 masquerade; }
}
"""


def main():
    with Lab() as lab:
        node, other = lab.node("node"), lab.node("other")
        lab.link(node, "10.1.0.1/24", other, "10.1.0.2/24")
        say("a plain host has no conflicts")
        node.start_testudod()
        warnings = lambda: json.loads(node.testudo("--json", "status"))["host"]["warnings"]
        check(warnings() == [], "status has no warnings", warnings())
        node.stop_testudod()

        say("another program's rules, routes, tables and kernel IPsec")
        node.exec("nft", "-f", "-", input=FIREWALL)
        node.ip("rule", "add", "pref", "5050", "from", "10.9.0.0/16", "lookup", "77")
        node.ip("-6", "rule", "add", "pref", "4000", "lookup", "main")
        node.ip("route", "add", "10.7.0.0/16", "via", "10.1.0.2", "table", "5050")
        node.sysctl("net.ipv4.conf.all.rp_filter", 1)
        kernel = node.exec("ip", "xfrm", "policy", "add", "src", "10.1.0.1", "dst", "10.1.0.2", "dir", "out", "action", "block",
                           check=False).returncode == 0
        node.start_testudod()
        expected = ["nft inet firewall input drops what no rule accepts, and none of its table accepts ESP, AH, IPcomp, ESP in UDP",
                    "nft inet firewall early drops what came by another device", "nft inet firewall out has a rule that drops ESP, AH:",
                    "nft inet firewall out has a rule that drops ESP in UDP:", "nft inet firewall nat also translates what leaves by testudo0",
                    "another ip rule 5050 has our preference", "ip -6 rule 4000 is for all packets", "our table 5050 holds routes of another program",
                    "net.ipv4.conf.all.rp_filter is 1"]
        expected += ["the kernel's own IPsec has 0 SAs and 1 policies"] if kernel else []
        found, log, shown = warnings(), node.log_text(), node.testudo("status")
        for words in expected:
            check(sum(words in line for line in found) == 1 and words in log and words in shown, words, found)
        check(len(found) == len(expected), "and nothing else", found)

        say("what is mended is no longer said")
        node.exec("nft", "delete", "table", "inet", "firewall")
        node.exec("ip", "xfrm", "policy", "flush", check=False)
        check(len(warnings()) == 4, "only rules, routes and rp_filter are left", warnings())


if __name__ == "__main__":
    main()
