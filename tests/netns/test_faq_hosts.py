#!/usr/bin/env python3
"""The host-to-host examples of the NetBSD IPsec FAQ, as they stand there, with real packets.

    left 10.2.3.4, fd00::4 ──────────── wire ──────────── 10.6.7.8, fd00::8 right
    testudod                                                        testudod

The FAQ's `setkey` scripts run on the left; the peer's is the mirror image.  For IPv6 the same scripts run with the addresses
replaced.
"""
from lib import Lab, check, say, transfer

V4 = ("10.2.3.4", "10.6.7.8")
V6 = ("fd00::4", "fd00::8")

ESP = """
add 10.2.3.4 10.6.7.8 esp 9876 -E 3des-cbc "hogehogehogehogehogehoge";
add 10.6.7.8 10.2.3.4 esp 10000 -E 3des-cbc 0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef;
spdadd 10.2.3.4 10.6.7.8 any -P out ipsec esp/transport//use;
"""
ESP_REQUIRE = """
add 10.2.3.4 10.6.7.8 esp 9876 -E 3des-cbc "hogehogehogehogehogehoge";
add 10.6.7.8 10.2.3.4 esp 10000 -E 3des-cbc 0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef;
spdadd 10.2.3.4 10.6.7.8 any -P out ipsec esp/transport//require;
spdadd 10.6.7.8 10.2.3.4 any -P in ipsec esp/transport//require;
"""
RIJNDAEL = """
add 10.2.3.4 10.6.7.8 esp 9876 -E rijndael-cbc "hogehogehogehoge";
add 10.6.7.8 10.2.3.4 esp 10000 -E rijndael-cbc 0xdeadbeefdeadbeefdeadbeefdeadbeef;
spdadd 10.2.3.4 10.6.7.8 any -P out ipsec esp/transport//use;
"""
AH = """
add 10.2.3.4 10.6.7.8 ah 9877 -A hmac-md5 "hogehogehogehoge";
add 10.6.7.8 10.2.3.4 ah 10001 -A hmac-md5 "mogamogamogamoga";
spdadd 10.2.3.4 10.6.7.8 any -P out ipsec ah/transport//require;
"""
ESP_AND_AH = """
add 10.2.3.4 10.6.7.8 esp 9876 -E 3des-cbc "hogehogehogehogehogehoge";
add 10.6.7.8 10.2.3.4 esp 10000 -E 3des-cbc 0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef;
add 10.2.3.4 10.6.7.8 ah 9877 -A hmac-md5 "hogehogehogehoge";
add 10.6.7.8 10.2.3.4 ah 10001 -A hmac-md5 "mogamogamogamoga";
spdadd 10.2.3.4 10.6.7.8 any -P out ipsec esp/transport//require ah/transport//require;
spdadd 10.6.7.8 10.2.3.4 any -P in ipsec esp/transport//require ah/transport//require;
"""


def in_family(script, addresses):
    return script.replace(V4[0], addresses[0]).replace(V4[1], addresses[1])


def mirrored(script):
    """The peer's script: the same keys, and policies with the two hosts changed for each other."""
    lines = []
    for line in script.splitlines():
        if line.startswith("spdadd"):
            line = line.replace(V4[0], "@").replace(V4[1], V4[0]).replace("@", V4[1])
        lines.append(line)
    return "\n".join(lines)


def forms(ip, *chains):
    """An IPv6 host may cut what it sends itself, and the engine does; IPv4 packets have DF set."""
    cut = {f"IPv6 fragment of {chain.split()[0]}" for chain in chains} if ip == "IPv6" else set()
    return sorted({f"{ip} {chain}" for chain in chains} | cut)


def load(left, right, script, addresses):
    left.setkey("flush; spdflush;" + in_family(script, addresses))
    right.setkey("flush; spdflush;" + in_family(mirrored(script), addresses))


def exchange(wire, left, right, script, addresses, wanted):
    load(left, right, script, addresses)
    with wire.capture() as seen:
        left.ping(addresses[1])
        right.ping(addresses[0], size=1400)
        transfer(left, right, addresses[1], megabytes=1)
    seen.only(*wanted)


def refuses_clear(wire, left, right, addresses):
    say(" left forgets its policies: right refuses what comes in clear")
    left.setkey("spdflush;")
    with wire.capture() as seen:
        left.ping(addresses[1], answered=False)
    word = "IPv6 ICMPv6" if ":" in addresses[0] else "IPv4 ICMP"
    seen.only(word)
    check(seen.count(word) == 3, "three echo requests and no reply")


def mail_server(wire, left, right, addresses):
    say(" mail server: pop3 in clear, everything else protected; then the other order")
    ip = "IPv6" if ":" in addresses[0] else "IPv4"
    client, server = addresses
    keys = in_family("\n".join(line for line in ESP.splitlines() if line.startswith("add")), addresses)

    def install(clear_first):
        for node, there, back in ((right, "in", "out"), (left, "out", "in")):
            clear = [f"spdadd {client} {server}[110] any -P {there} none;", f"spdadd {server}[110] {client} any -P {back} none;"]
            esp = [f"spdadd {client} {server} any -P {there} ipsec esp/transport//require;",
                   f"spdadd {server} {client} any -P {back} ipsec esp/transport//require;"]
            node.setkey("flush; spdflush;" + keys + "\n".join(clear + esp if clear_first else esp + clear))

    install(clear_first=True)
    with wire.capture() as seen:
        transfer(left, right, server, megabytes=1, port=110)
    seen.only(f"{ip} TCP")
    with wire.capture() as seen:
        transfer(left, right, server, megabytes=1, port=25)
        left.ping(server)
    seen.only(*forms(ip, "ESP"))
    install(clear_first=False)
    with wire.capture() as seen:
        transfer(left, right, server, megabytes=1, port=110)
    seen.only(*forms(ip, "ESP"))


def main():
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        wire = lab.link(left, "10.2.3.4/8 fd00::4/64", right, "10.6.7.8/8 fd00::8/64")
        left.start_testudod()
        right.start_testudod()
        for addresses in (V4, V6):
            ip = "IPv6" if ":" in addresses[0] else "IPv4"
            for name, script, form in (("ESP 3des-cbc", ESP, "ESP"), ("ESP rijndael-cbc 128", RIJNDAEL, "ESP"),
                                       ("ESP 3des-cbc, inbound require", ESP_REQUIRE, "ESP"),
                                       ("ESP and AH bundle", ESP_AND_AH, "AH ESP")):
                say(f"{ip}: {name}")
                exchange(wire, left, right, script, addresses, forms(ip, form))
                if "-P in" in script:
                    refuses_clear(wire, left, right, addresses)
            say(f"{ip}: AH hmac-md5")
            load(left, right, AH, addresses)
            with wire.capture() as seen:
                left.ping(addresses[1])
                transfer(left, right, addresses[1], megabytes=1)
            seen.only(*forms(ip, "AH ICMPv6" if ip == "IPv6" else "AH ICMP", "AH TCP"))
            mail_server(wire, left, right, addresses)


if __name__ == "__main__":
    main()
