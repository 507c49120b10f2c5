#!/usr/bin/env python3
"""What else the NetBSD IPsec FAQ does by racoon: over IPv6, the mail server with AH for its port alone, and certificates
in place of a shared key.

    left 10.2.3.4, fd00::4 ─────────── wire ─────────── 10.2.3.5, fd00::5 right
"""
import shutil

from lib import Lab, check, run, say, transfer, until
from test_racoon import LEFT, RIGHT, Racoon, policies

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
        node.setkey(policies(here, there))
    daemons = [Racoon(left, RIGHT6), Racoon(right, LEFT6)]
    with wire.capture() as seen:
        left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", RIGHT6, check=False)
        for daemon in daemons:
            daemon.says("IPsec-SA established", "phase 2 is established")
        left.ping(RIGHT6)
    seen.only("IPv6 UDP", "IPv6 ESP")
    for daemon in daemons:
        daemon.stop()


def mail_server(left, right, wire):
    say("-- AH for port 110 alone, for whoever comes")
    left.setkey(MAIL_CLIENT)
    right.setkey(MAIL_SERVER)
    daemons = [Racoon(left, RIGHT), Racoon(right, LEFT)]
    with wire.capture() as seen:
        transfer(left, right, RIGHT, megabytes=1, port=110)
        left.ping(RIGHT)
    check(seen.count("IPv4 AH TCP") > 0 and seen.count("IPv4 TCP") == 0, "TCP to port 110 goes by AH", str(set(seen.packets)))
    check(seen.count("IPv4 ICMP") == 6, "the ping, which no policy covers, in clear", str(set(seen.packets)))
    for daemon in daemons:
        daemon.stop()


def certificates(left, right):
    say("-- certificates")
    for node, here, there in ((left, LEFT, RIGHT), (right, RIGHT, LEFT)):
        node.setkey("spdflush;" + policies(here, there))
    pki = left.lab.directory / "pki"
    pki.mkdir()
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", pki / "ca.key", "-out", pki / "ca.pem",
        "-subj", "/O=Example/CN=ca", "-days", "2")
    for name in ("left", "right"):
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", pki / f"{name}.key", "-out", pki / f"{name}.csr",
            "-subj", f"/O=Example/CN={name}")
        run("openssl", "x509", "-req", "-in", pki / f"{name}.csr", "-CA", pki / "ca.pem", "-CAkey", pki / "ca.key", "-CAcreateserial",
            "-days", "2", "-out", pki / f"{name}.pem")
    for key in pki.glob("*.key"):
        key.chmod(0o600)
    daemons = [Racoon(node, there, method="rsasig", top=f'path certificate "{pki}";', more=f'ca_type x509 "ca.pem"; my_identifier asn1dn; '
                      f'certificate_type x509 "{node.name}.pem" "{node.name}.key"; peers_identifier asn1dn "O=Example, CN={other}";')
               for node, there, other in ((left, RIGHT, "right"), (right, LEFT, "left"))]
    left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", RIGHT, check=False)
    for daemon in daemons:
        daemon.says("IPsec-SA established", "phase 2 is established")
    left.ping(RIGHT)
    for daemon in daemons:
        daemon.stop()


def main():
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        wire = lab.link(left, f"{LEFT}/24 {LEFT6}/64", right, f"{RIGHT}/24 {RIGHT6}/64")
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
