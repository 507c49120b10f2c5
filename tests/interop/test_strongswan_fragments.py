#!/usr/bin/env python3
"""racoon and strongSwan's charon prove themselves by a chain of certificates of 2.5 KB over a path that drops IP fragments:
IKE's own fragments carry it, in both roles.  Without them the same negotiation fails and racoon says what would help;
where one side forces fragments and the other takes none, both say so.

    left 10.2.3.4 ─────────── wire, drops IP fragments ─────────── 10.2.3.5 right
"""
import shutil

from charon import Charon, begin, carry, certified, keep, skip_without_charon, skip_without_openssl, swanctl_conf
from certificates import issue, make_authority
from lib import Lab, check, say
from networks import LEFT_INSIDE, RIGHT_INSIDE, protect, two_networks
from racoon import NAT_T, Racoon, agree, by_certificate, racoon_conf, stop_all


def make_chain(directory):
    """A root, a CA below it, and two hosts; the root alone is trusted."""
    long_name = "a rather long name of an organisation " + "x" * 20
    make_authority(directory, "ca", f"/O={long_name}/CN=root")
    issue(directory, "middle", "ca", f"/O={long_name}/CN=middle", "basicConstraints=critical,CA:true\nkeyUsage=keyCertSign,cRLSign\n")
    for name in ("left", "right"):
        names = "".join(f",DNS:another-name-of-{name}-{i}.example" for i in range(10))
        issue(directory, name, "middle", f"/O=Example/CN={name}", f"subjectAltName=DNS:{name}.example{names}\n")
    middle = (directory / "middle.pem").read_text()
    for name in ("left", "right"):
        alone = directory / f"{name}.pem"
        shutil.copy(alone, directory / f"{name}-alone.pem")
        alone.write_text(alone.read_text() + middle)
    return directory


def drop_ip_fragments(node):
    """In front of the kernel's reassembly; counted."""
    node.exec("nft", """table ip path { counter lost { }
        chain path { type filter hook prerouting priority -450; ip frag-off & 0x3fff != 0 counter name "lost" drop; }; }""")


def dropped(node):
    words = node.exec("nft", "list", "counter", "ip", "path", "lost").stdout.split()
    return int(words[words.index("packets") + 1])


def charon_of(node, pki, fragmentation):
    return Charon(node, swanctl_conf(auth=certified(pki, "right-alone"), more=f"encap = yes\n  fragmentation = {fragmentation}"))


def racoon_of(node, pki, wish):
    remote = f"exchange_mode main; nat_traversal on; {by_certificate(node.name)} ike_frag {wish};"
    return Racoon(node, racoon_conf(remote, f'path certificate "{pki}"; timer {{ counter 2; interval 2 sec; }}', "rsasig"), ready=NAT_T)


def with_charon(left, right, pki, ours):
    say(f"-- {'racoon' if ours else 'charon'} begins, both cut their messages")
    charon, racoon = charon_of(right, pki, "yes"), racoon_of(left, pki, "on")
    begin(ours, left, charon)
    racoon.says("IPsec-SA established", "has both SAs", peer=charon)
    check("authentication of 'O=Example, CN=left' with RSA_EMSA_PKCS1_NULL successful" in charon.text(), "charon believes racoon",
          charon.text())
    check("reassembled fragmented IKE message" in charon.text(), "charon joined racoon's pieces", charon.text())
    check("splitting IKE message" in charon.text(), "charon cut its message", charon.text())
    carry(charon, left, LEFT_INSIDE, right, RIGHT_INSIDE)
    racoon.stop()
    charon.stop()


def without(left, right, pki):
    say("-- without them the path takes nothing as long")
    before = dropped(left) + dropped(right)
    charon, racoon = charon_of(right, pki, "no"), racoon_of(left, pki, "on")
    left.ping(RIGHT_INSIDE, count=1, answered=False)
    racoon.says("ike_frag on at both ends", "says what would help")
    check(dropped(left) + dropped(right) > before, "the path dropped IP fragments")
    check("IPsec-SA established" not in racoon.text(), "there are no SAs", racoon.text())
    racoon.stop()
    charon.stop()


def with_racoon(left, right, pki):
    for here, there in (("on", "on"), ("force", "on")):
        say(f"-- racoon and racoon, {here} and {there}")
        ends = [racoon_of(left, pki, here), racoon_of(right, pki, there)]
        agree(ends, RIGHT_INSIDE)
        stop_all(ends)
    say("-- racoon and racoon, force and off")
    ends = [racoon_of(left, pki, "force"), racoon_of(right, pki, "off")]
    left.ping(RIGHT_INSIDE, count=1, answered=False)
    words = ["fragmentation is not taken", "fragmentation does not match; ours: ike_frag off in remote anonymous"]
    for end, text in zip(ends, words):
        end.says(text, "the log says why")
        end.stop()


def main():
    skip_without_charon()
    skip_without_openssl()
    with Lab() as lab:
        pki = make_chain(lab.directory / "pki")
        keep(lab, pki / "right.key")
        keep(lab, pki / "middle.pem", "x509ca")
        left, right = two_networks(lab)
        for node in (left, right):
            drop_ip_fragments(node)
        with_charon(left, right, pki, True)
        with_charon(left, right, pki, False)
        without(left, right, pki)
        right.start_testudod()
        protect(right)
        with_racoon(left, right, pki)


if __name__ == "__main__":
    main()
