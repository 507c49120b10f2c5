"""What a testudod leaves on a host, and the SAs and policies of the two hosts where tests look at that.

    left 10.1.0.1 ──────────── wire ──────────── 10.1.0.2 right
"""
import json

KEYS = """
add 10.1.0.1 10.1.0.2 esp 1000 -E aes-cbc "1234567890123456" -A hmac-sha1 "12345678901234567890";
add 10.1.0.2 10.1.0.1 esp 1001 -E aes-cbc "1234567890123456" -A hmac-sha1 "12345678901234567890";
"""
AT_LEFT = KEYS + """
spdadd 10.1.0.1 10.1.0.2 any -P out ipsec esp/transport//require;
spdadd 10.1.0.2 10.1.0.1 any -P in ipsec esp/transport//require;
"""
AT_RIGHT = AT_LEFT.replace("-P out", "-P x").replace("-P in", "-P out").replace("-P x", "-P in")


def traces(node):
    """All that a testudod leaves on a host."""
    tables = node.exec("nft", "list", "tables").stdout
    rules = node.ip("rule") + node.ip("-6", "rule")
    routes = node.ip("route", "show", "table", "5050", check=False) + node.ip("-6", "route", "show", "table", "5050", check=False)
    links = node.ip("link")
    return {"nft": "testudo_testudo0" in tables, "rule": "lookup 5050" in rules, "route": "default" in routes, "device": "testudo0" in links}


def waits(node, whether):
    return json.loads(node.testudo("--json", "status"))["host"]["waiting_for_policies"] == whether
