#!/usr/bin/env python3
"""The host-to-host examples of the NetBSD IPsec FAQ, as they stand there, with real packets.

    node 10.1.1.1, fd00:10::1 ──────────── wire ──────────── 20.1.1.1, fd00:20::1 peer
    testudod                                                              testudod

The FAQ's shell scripts run on the node; on the peer the same ones with the addresses of the `spdadd` lines changed for each
other, as the FAQ asks for.  For IPv6 the same scripts run with the addresses replaced.
"""
from lib import Lab, check, say, transfer

V4 = ("10.1.1.1", "20.1.1.1")
V6 = ("fd00:10::1", "fd00:20::1")

ESP = """
setkey -c <<EOF
add 10.1.1.1 20.1.1.1 esp 9876 -E 3des-cbc "hogehogehogehogehogehoge";
add 20.1.1.1 10.1.1.1 esp 10000 -E 3des-cbc 0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef;
spdadd 10.1.1.1 20.1.1.1 any -P out ipsec esp/transport//use;
EOF
"""
# The line that the FAQ adds for those who want to refuse what comes in clear.
REFUSE_CLEAR = """
setkey -c <<EOF
spdadd 20.1.1.1 10.1.1.1 any -P in ipsec esp/transport//require;
EOF
"""
RIJNDAEL = """
setkey -c <<EOF
add 10.1.1.1 20.1.1.1 esp 9876 -E rijndael-cbc "hogehogehogehoge";
add 20.1.1.1 10.1.1.1 esp 10000 -E rijndael-cbc 0xdeadbeefdeadbeefdeadbeefdeadbeef;
spdadd 10.1.1.1 20.1.1.1 any -P out ipsec esp/transport//use;
EOF
"""
AH = """
setkey -c <<EOF
add 10.1.1.1 20.1.1.1 ah 9877 -A hmac-md5 "hogehogehogehoge";
add 20.1.1.1 10.1.1.1 ah 10001 -A hmac-md5 "mogamogamogamoga";
spdadd 10.1.1.1 20.1.1.1 any -P out ipsec ah/transport//use;
EOF
"""
ESP_AND_AH = """
setkey -c <<EOF
add 10.1.1.1 20.1.1.1 esp 9876 -E 3des-cbc "hogehogehogehogehogehoge";
add 20.1.1.1 10.1.1.1 esp 10000 -E 3des-cbc 0xdeadbeefdeadbeefdeadbeefdeadbeefdeadbeefdeadbeef;
add 10.1.1.1 20.1.1.1 ah 9877 -A hmac-md5 "hogehogehogehoge";
add 20.1.1.1 10.1.1.1 ah 10001 -A hmac-md5 "mogamogamogamoga";
spdadd 10.1.1.1 20.1.1.1 any -P out ipsec esp/transport//use ah/transport//use;
EOF
"""
# The mail server A and its client B; racoon would bring the keys, here setkey does.
MAIL_KEYS = """
add 20.1.1.1 10.1.1.1 ah 9877 -A hmac-md5 "hogehogehogehoge";
add 10.1.1.1 20.1.1.1 ah 10001 -A hmac-md5 "mogamogamogamoga";
"""
MAIL_SERVER_LOCAL = """
spdadd 20.1.1.1[110] 20.1.1.1 tcp -P out none;
spdadd 20.1.1.1 20.1.1.1[110] tcp -P in none;
"""
MAIL_SERVER = """
spdadd 20.1.1.1[110] 0.0.0.0/0 tcp -P out ipsec ah/transport//require;
spdadd 0.0.0.0/0 20.1.1.1[110] tcp -P in ipsec ah/transport//require;
"""
MAIL_CLIENT = """
spdadd 10.1.1.1 20.1.1.1[110] tcp -P out ipsec ah/transport//require;
spdadd 20.1.1.1[110] 10.1.1.1 tcp -P in ipsec ah/transport//require;
"""
# One client without IPsec; what it may do depends on whether this stands before or after the lines for everybody.
MAIL_EXCEPTION = """
spdadd 20.1.1.1[110] 10.1.1.1 tcp -P out none;
spdadd 10.1.1.1 20.1.1.1[110] tcp -P in none;
"""


def in_family(script, addresses):
    return script.replace(V4[0], addresses[0]).replace(V4[1], addresses[1]).replace(
        "0.0.0.0/0", "::/0" if ":" in addresses[0] else "0.0.0.0/0")


def for_the_peer(script):
    """The same keys; policies with the two hosts changed for each other."""
    swap = lambda line: line.replace(V4[0], "@").replace(V4[1], V4[0]).replace("@", V4[1])  # noqa: E731
    return "\n".join(swap(line) if line.startswith("spdadd") else line for line in script.splitlines())


def fragments(ip, *chains):
    """An IPv6 host may cut what it sends itself, and the engine does; IPv4 packets have DF set."""
    cut = {f"IPv6 fragment of {chain.split()[0]}" for chain in chains} if ip == "IPv6" else set()
    return sorted({f"{ip} {chain}" for chain in chains} | cut)


def load(node, peer, script, addresses):
    for host, text in ((node, script), (peer, for_the_peer(script))):
        host.setkey("flush; spdflush;")
        host.shell(in_family(text, addresses))


def refuses_clear(wire, node, peer, addresses):
    say(" with the line that refuses clear packets: the node forgets its policy, the peer does not hear it")
    for host, text in ((node, REFUSE_CLEAR), (peer, for_the_peer(REFUSE_CLEAR))):
        host.shell(in_family(text, addresses))
    node.ping(addresses[1])
    node.setkey("spdflush;")
    with wire.capture() as seen:
        node.ping(addresses[1], answered=False)
    word = "IPv6 ICMPv6" if ":" in addresses[0] else "IPv4 ICMP"
    seen.only(word)
    check(seen.count(word) == 3, "three echo requests and no reply")


def pairs(wire, node, peer, addresses):
    ip = "IPv6" if ":" in addresses[0] else "IPv4"
    ah = ("AH ICMPv6" if ip == "IPv6" else "AH ICMP", "AH TCP")
    for name, script, chains in (("ESP 3des-cbc", ESP, ("ESP",)), ("ESP rijndael-cbc 128", RIJNDAEL, ("ESP",)),
                                 ("AH hmac-md5", AH, ah), ("ESP and AH bundle", ESP_AND_AH, ("AH ESP",))):
        say(f"{ip}: {name}")
        load(node, peer, script, addresses)
        with wire.capture() as seen:
            node.ping(addresses[1])
            peer.ping(addresses[0], size=1400)
            transfer(node, peer, addresses[1], megabytes=1)
        seen.only(*fragments(ip, *chains))
        if script is ESP:
            refuses_clear(wire, node, peer, addresses)


def mail_server(wire, client, server, addresses):
    ip = "IPv6" if ":" in addresses[0] else "IPv4"

    def install(*on_the_server, on_the_client=MAIL_CLIENT):
        server.setkey(in_family("flush; spdflush;" + MAIL_KEYS + "".join(on_the_server), addresses))
        client.setkey(in_family("flush; spdflush;" + MAIL_KEYS + on_the_client, addresses))

    say(f"{ip}: the mail server: AH for all who ask port 110, nothing for itself and for other ports")
    install(MAIL_SERVER_LOCAL, MAIL_SERVER)
    transfer(server, server, addresses[1], megabytes=1, port=110)
    with wire.capture() as seen:
        transfer(client, server, addresses[1], megabytes=1, port=110)
    seen.only(*fragments(ip, "AH TCP"))
    with wire.capture() as seen:
        transfer(client, server, addresses[1], megabytes=1, port=25)
    seen.only(f"{ip} TCP")
    say(" a client without IPsec is refused; an exception for it counts before the lines for everybody, not after them")
    install(MAIL_SERVER_LOCAL, MAIL_SERVER, on_the_client="")
    check(client.unheard(addresses[1], 110), "TCP in clear is not heard, not even refused")
    install(MAIL_EXCEPTION, MAIL_SERVER, on_the_client="")
    with wire.capture() as seen:
        transfer(client, server, addresses[1], megabytes=1, port=110)
    seen.only(f"{ip} TCP")
    install(MAIL_SERVER, MAIL_EXCEPTION, on_the_client="")
    check(client.unheard(addresses[1], 110), "TCP in clear is not heard, not even refused")


def main():
    with Lab() as lab:
        node, peer = lab.node("node"), lab.node("peer")
        wire = lab.link(node, "10.1.1.1/24 fd00:10::1/24", peer, "20.1.1.1/24 fd00:20::1/24")
        node.ip("route", "add", "20.1.1.0/24", "dev", wire.device)
        peer.ip("route", "add", "10.1.1.0/24", "dev", "to-node")
        node.start_testudod()
        peer.start_testudod()
        for addresses in (V4, V6):
            pairs(wire, node, peer, addresses)
            mail_server(wire, node, peer, addresses)
        say("IPv4: ESP 3des-cbc from /etc/ipsec.conf, as at boot")
        for host, text in ((node, ESP), (peer, for_the_peer(ESP))):
            host.setkey("flush; spdflush;")
            lines = [line for line in text.splitlines() if line.startswith(("add", "spdadd"))]
            host.as_etc_ipsec_conf("\n".join(lines) + "\n")
            host.shell("setkey -f /etc/ipsec.conf")
        with wire.capture() as seen:
            node.ping(V4[1])
        seen.only("IPv4 ESP")


if __name__ == "__main__":
    main()
