#!/usr/bin/env python3
"""What else the NetBSD IPsec FAQ does by racoon: over IPv6, the mail server with AH for its port alone, and certificates
in place of a shared key.

    left 10.2.3.4, fd00::4 ─────────── wire ─────────── 10.2.3.5, fd00::5 right
"""
import shutil

from certificates import issue, make_authority
from faq_racoon import FaqRacoon
from lib import Lab, check, say, transfer
from networks import LEFT, RIGHT, transport, two_hosts
from racoon import agree, by_certificate, stop_all

LEFT6, RIGHT6 = "fd00::4", "fd00::5"
# The FAQ's: the server asks AH of whoever comes, a client for this server.
MAIL_SERVER = f"""
    spdflush;
    spdadd {RIGHT}[110] 0.0.0.0/0 tcp -P out ipsec ah/transport//require;
    spdadd 0.0.0.0/0 {RIGHT}[110] tcp -P in ipsec ah/transport//require;
"""
MAIL_CLIENT = f"""
    spdflush;
    spdadd {LEFT} {RIGHT}[110] tcp -P out ipsec ah/transport//require;
    spdadd {RIGHT}[110] {LEFT} tcp -P in ipsec ah/transport//require;
"""


def over_ipv6(left, right, wire):
    say("-- IPv6")
    for node, here, there in ((left, LEFT6, RIGHT6), (right, RIGHT6, LEFT6)):
        node.setkey(transport(here, there))
    daemons = [FaqRacoon(left, RIGHT6), FaqRacoon(right, LEFT6)]
    with wire.capture() as seen:
        agree(daemons, RIGHT6)
    seen.only("IPv6 UDP", "IPv6 ESP")
    stop_all(daemons)


def mail_server(left, right, wire):
    say("-- AH for port 110 alone, for whoever comes")
    left.setkey(MAIL_CLIENT)
    right.setkey(MAIL_SERVER)
    daemons = [FaqRacoon(left, RIGHT), FaqRacoon(right, LEFT)]
    with wire.capture() as seen:
        transfer(left, right, RIGHT, megabytes=1, port=110)
        left.ping(RIGHT)
    check(seen.count("IPv4 AH TCP") > 0 and seen.count("IPv4 TCP") == 0, "TCP to port 110 goes by AH", str(set(seen.packets)))
    check(seen.count("IPv4 ICMP") == 6, "the ping, which no policy covers, in clear", str(set(seen.packets)))
    stop_all(daemons)


def certificates(left, right):
    say("-- certificates")
    for node, here, there in ((left, LEFT, RIGHT), (right, RIGHT, LEFT)):
        node.setkey("spdflush;" + transport(here, there))
    pki = left.lab.directory / "pki"
    make_authority(pki, "ca", "/O=Example/CN=ca")
    for name in ("left", "right"):
        issue(pki, name, "ca", f"/O=Example/CN={name}")
    daemons = [FaqRacoon(node, there, method="rsasig", top=f'path certificate "{pki}";',
                         more=f'{by_certificate(node.name)} peers_identifier asn1dn "O=Example, CN={other}";')
               for node, there, other in ((left, RIGHT, "right"), (right, LEFT, "left"))]
    agree(daemons, RIGHT)
    stop_all(daemons)


def main():
    with Lab() as lab:
        left, right, wire = two_hosts(lab, f"{LEFT6}/64", f"{RIGHT6}/64")
        for node in (left, right):
            node.start_testudod()
        over_ipv6(left, right, wire)
        mail_server(left, right, wire)
        if shutil.which("openssl"):
            certificates(left, right)
        else:
            say("-- certificates: left out, there is no openssl(1)")


if __name__ == "__main__":
    main()
