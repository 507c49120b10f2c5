#!/usr/bin/env python3
"""racoon and strongSwan's charon prove themselves by a chain of certificates of 2.5 KB over a path that drops IP fragments:
IKE's own fragments carry it, in both roles.  Without them the same negotiation fails and racoon says what would help;
where one side forces fragments and the other takes none, both say so.

    left 10.2.3.4 ─────────── wire, drops IP fragments ─────────── 10.2.3.5 right
"""
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from test_strongswan_certificates import SWANCTL, start_racoon, stop, two_networks, LEFT, RIGHT  # noqa: E402
from test_strongswan_ike import carry, Charon, skip_without_charon  # noqa: E402
from lib import Lab, check, run, say, until  # noqa: E402



def make_chain(directory):
    """A root, a CA below it, and two hosts; the root alone is trusted."""
    def openssl(*arguments):
        run("openssl", *arguments)

    directory.mkdir()
    long_name = "a rather long name of an organisation " + "x" * 20
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / "ca.key", "-out", directory / "ca.pem",
            "-subj", f"/O={long_name}/CN=root", "-days", "2")

    def issue(name, issuer, subject, extensions):
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.csr",
                "-subj", subject)
        (directory / "extensions").write_text(extensions)
        openssl("x509", "-req", "-in", directory / f"{name}.csr", "-CA", directory / f"{issuer}.pem", "-CAkey",
                directory / f"{issuer}.key", "-CAcreateserial", "-days", "2", "-extfile", directory / "extensions",
                "-out", directory / f"{name}.pem")

    issue("middle", "ca", f"/O={long_name}/CN=middle", "basicConstraints=critical,CA:true\nkeyUsage=keyCertSign,cRLSign\n")
    for name in ("left", "right"):
        names = "".join(f",DNS:another-name-of-{name}-{i}.example" for i in range(10))
        issue(name, "middle", f"/O=Example/CN={name}", f"subjectAltName=DNS:{name}.example{names}\n")
    middle = (directory / "middle.pem").read_text()
    for name in ("left", "right"):
        alone = directory / f"{name}.pem"
        shutil.copy(alone, directory / f"{name}-alone.pem")
        alone.write_text(alone.read_text() + middle)
    for folder, file in (("private", "right.key"), ("x509ca", "middle.pem")):
        place = directory.parent / "charon" / folder
        place.mkdir(parents=True)
        shutil.copy(directory / file, place)
    return directory


def drop_ip_fragments(node):
    """In front of the kernel's reassembly; counted."""
    node.exec("nft", """table ip path { counter lost { }
        chain path { type filter hook prerouting priority -450; ip frag-off & 0x3fff != 0 counter name "lost" drop; }; }""")


def dropped(node):
    words = node.exec("nft", "list", "counter", "ip", "path", "lost").stdout.split()
    return int(words[words.index("packets") + 1])


def swanctl_conf(pki, fragmentation):
    text = SWANCTL.format(left=LEFT, right=RIGHT, pki=pki).replace("right.pem", "right-alone.pem")
    return text.replace("encap = yes", f"encap = yes\n  fragmentation = {fragmentation}")


def racoon_of(node, pki, wish, me="asn1dn", own="left"):
    return start_racoon(node, pki, own, me, f"ike_frag {wish};", more="timer { counter 2; interval 2 sec; }")


def with_charon(left, right, pki, ours):
    say(f"-- {'racoon' if ours else 'charon'} begins, both cut their messages")
    charon = Charon(right, swanctl_conf(pki, "yes"))
    racoon, log = racoon_of(left, pki, "on")
    if ours:
        left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", "10.9.0.1", check=False)
    else:
        charon.swanctl("--initiate", "--child", "c", "--timeout", "15")
    check(until(lambda: "IPsec-SA established" in log()), "racoon has both SAs", log() + charon.text())
    check("authentication of 'O=Example, CN=left' with RSA_EMSA_PKCS1_NULL successful" in charon.text(), "charon believes racoon",
          charon.text())
    check("reassembled fragmented IKE message" in charon.text(), "charon joined racoon's pieces", charon.text())
    check("splitting IKE message" in charon.text(), "charon cut its message", charon.text())
    carry(charon, left, "10.8.0.1", right, "10.9.0.1")
    stop(racoon)
    charon.stop()


def without(left, right, pki):
    say("-- without them the path takes nothing as long")
    before = dropped(left) + dropped(right)
    charon = Charon(right, swanctl_conf(pki, "no"))
    racoon, log = racoon_of(left, pki, "on")
    left.ping("10.9.0.1", count=1, answered=False)
    check(until(lambda: "ike_frag on at both ends" in log()), "racoon says what would help", log())
    check(dropped(left) + dropped(right) > before, "the path dropped IP fragments")
    check("IPsec-SA established" not in log(), "there are no SAs", log())
    stop(racoon)
    charon.stop()


def with_racoon(left, right, pki):
    say("-- racoon and racoon")
    for here, there in (("on", "on"), ("force", "on")):
        ends = [racoon_of(left, pki, here), racoon_of(right, pki, there, own="right")]
        left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", "10.9.0.1", check=False)
        for _, log in ends:
            check(until(lambda log=log: "IPsec-SA established" in log()), f"{here} and {there}: there are SAs", log())
        for process, _ in ends:
            stop(process)
    ends = [racoon_of(left, pki, "force"), racoon_of(right, pki, "off", own="right")]
    left.ping("10.9.0.1", count=1, answered=False)
    words = ["fragmentation is not taken", "fragmentation does not match; ours: ike_frag off in remote anonymous"]
    for (process, log), text in zip(ends, words):
        check(until(lambda log=log, text=text: text in log()), "the log says why", log())
        stop(process)


def main():
    skip_without_charon()
    if not shutil.which("openssl"):
        say("skipped: needs openssl(1)")
        sys.exit(77)
    with Lab() as lab:
        pki = make_chain(lab.directory / "pki")
        left, right = two_networks(lab)
        for node in (left, right):
            drop_ip_fragments(node)
        with_charon(left, right, pki, True)
        with_charon(left, right, pki, False)
        without(left, right, pki)
        right.start_testudod()
        right.setkey(f"""spdadd 10.9.0.0/24 10.8.0.0/24 any -P out ipsec esp/tunnel/{RIGHT}-{LEFT}/require;
            spdadd 10.8.0.0/24 10.9.0.0/24 any -P in ipsec esp/tunnel/{LEFT}-{RIGHT}/require;""")
        with_racoon(left, right, pki)


if __name__ == "__main__":
    main()
