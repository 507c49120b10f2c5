#!/usr/bin/env python3
"""OpenIKED, as Debian has it, keys testudod: a daemon that knows PF_KEY sockets and IP_IPSEC_POLICY, and neither Testudo nor a
kernel with IPsec.  On both hosts it runs unchanged under libtestudo-preload.so.

    10.8.0.1 left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right 10.9.0.1

Its IKE messages pass its own policies by a bypass of its sockets; what it negotiates are policies, SAs, and SAs again when they
are renewed.  Once its ESP travels in UDP, and testudod, which has no port for that here, takes it out of iked's own sockets: those
get UDP_ENCAP from a process that has another root by then, and is nobody.
"""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "netns"))
from lib import BIN, Lab, check, run, say, transfer, until  # noqa: E402
from sockets import PRELOAD, skip_unless_built  # noqa: E402

LEFT, RIGHT = "10.2.3.4", "10.2.3.5"
CONF = """set dpd_check_interval 60
ikev2 "vpn" {begins} esp from {inside} to {other} local {here} peer {there} \\
    ikesa enc aes-128 prf hmac-sha2-256 auth hmac-sha2-256 group curve25519 \\
    childsa {child} \\
    srcid {name} dstid {peer} psk "mekmitasdigoat"
"""


def program():
    for candidate in (os.environ.get("PEER_IKED"), shutil.which("iked"), "/usr/sbin/iked"):
        if candidate and pathlib.Path(candidate).exists():
            return candidate
    say("skipped: needs OpenIKED's iked (package openiked), here or where PEER_IKED says")
    sys.exit(77)


class Iked:
    """In a mount namespace of its own: it wants its user, its folder of keys and its control socket at fixed places."""

    def __init__(self, iked, node, conf, flags=""):
        home = node.run_dir / "iked"
        for folder in ("private", "certs", "ca", "crls", "pubkeys/ipv4", "pubkeys/ipv6", "pubkeys/fqdn", "pubkeys/ufqdn", "empty", "run"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        run("openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out", home / "private" / "local.key")
        run("openssl", "ec", "-in", home / "private" / "local.key", "-pubout", "-out", home / "local.pub")
        (home / "passwd").write_text(f"root:x:0:0::/:/bin/sh\n_iked:x:65530:65530::{home}/empty:/bin/false\n")
        (home / "group").write_text("root:x:0:\n_iked:x:65530:\n")
        (home / "iked.conf").write_text(conf)
        os.chmod(home / "iked.conf", 0o600)
        for folder in (node.lab.directory, node.run_dir):
            os.chmod(folder, 0o755)
        binds = "".join(f"mount --bind {home}/{ours} /etc/{theirs};" for ours, theirs in (("passwd", "passwd"), ("group", "group")))
        script = (f"mount --make-rprivate /; {binds} mount -t tmpfs none /run; mount -t tmpfs none /mnt; mkdir -p /mnt/etc /mnt/work;"
                  f"mount -t overlay -o lowerdir=/etc,upperdir=/mnt/etc,workdir=/mnt/work overlay /etc; {binds} mkdir -p /etc/iked;"
                  f"mount --bind {home} /etc/iked; exec env LD_PRELOAD={PRELOAD} {iked} -d -v {flags} -f {home}/iked.conf")
        self.node, self.log = node, home / "log"
        with open(self.log, "w", encoding="utf-8") as out:
            self.process = node.popen("unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-ec", script, env=node.environment(), stdout=out, stderr=out)

    def text(self):
        return self.log.read_text()

    def stop(self):
        """Its processes are of a PID namespace, and go with the first of them: without its PF_KEY socket it would spin."""
        self.process.kill()
        self.process.wait(20)


def two_gateways(lab, config=""):
    left, right = lab.node("left"), lab.node("right")
    wire = lab.link(left, f"{LEFT}/24", right, f"{RIGHT}/24")
    for node, inside, other, there in ((left, "10.8.0.1", "10.9.0.0/24", RIGHT), (right, "10.9.0.1", "10.8.0.0/24", LEFT)):
        node.ip("addr", "add", f"{inside}/32", "dev", "lo")
        node.ip("route", "add", other, "via", there, "src", inside)
        node.start_testudod(config)
    return left, right, wire


def start(iked, node, child, flags=""):
    left = node.name == "left"
    return Iked(iked, node, CONF.format(
        begins="active" if left else "passive", inside="10.8.0.0/24" if left else "10.9.0.0/24",
        other="10.9.0.0/24" if left else "10.8.0.0/24", here=LEFT if left else RIGHT, there=RIGHT if left else LEFT, child=child,
        name=node.name, peer="right" if left else "left"), flags)


def mature(node):
    return node.setkey("dump;").stdout.count("state=mature")


def begun(iked, left, right, child, flags=""):
    """iked waits one millisecond for each answer of the kernel, and does not ask again.  testudod answers in a tenth of one, but
    on a busy machine not each time: then both begin anew."""
    for _ in range(8):
        for node in (left, right):
            node.setkey("flush; spdflush;")
        daemons = [start(iked, node, child, flags) for node in (right, left)]
        if until(lambda: all(mature(node) == 2 and node.setkey("spddump;").stdout.count("/require") == 2 for node in (left, right)), 8):
            break
        check(any("no reply from PF_KEY" in daemon.text() for daemon in daemons), "iked got no answer within its millisecond; once more",
              "".join(daemon.text() for daemon in daemons))
        for daemon in daemons:
            daemon.stop()
    return daemons


def keyed(iked, left, right, wire, child, words):
    say(f"-- childsa {child}")
    daemons = begun(iked, left, right, child)
    check(mature(left) == 2 and mature(right) == 2, "both have a pair of SAs", "".join(daemon.text() for daemon in daemons))
    check(words in left.setkey("dump;").stdout, f"with {words}", left.setkey("dump;").stdout)
    dump = left.setkey("spddump;").stdout
    check("esp/tunnel/10.2.3.4-10.2.3.5" in dump, "and policies", dump)
    with wire.capture() as seen:
        left.ping("10.9.0.1", count=20)
        right.ping("10.8.0.1", count=20)
        transfer(left, right, "10.9.0.1", megabytes=1)
    check(seen.count("IPv4 ESP") > 80 and set(seen.packets) <= {"IPv4 ESP", "IPv4 UDP"}, "nothing in clear", str(set(seen.packets)))
    for daemon in daemons:
        daemon.stop()


def keyed_in_udp(iked, left, right, wire):
    say("-- iked -t: as if there were a NAT")
    daemons = begun(iked, left, right, "enc aes-128 auth hmac-sha1", "-t")
    said = "".join(daemon.text() for daemon in daemons)
    check(mature(left) == 2 and mature(right) == 2, "both have a pair of SAs", said)
    for node in (left, right):
        dump = node.setkey("dump;").stdout
        check(dump.count("esp-udp mode=tunnel") == 2 and "10.2.3.4[4500] 10.2.3.5[4500]" in dump, f"{node.name}: they are for ESP in UDP", dump)
        sockets = node.exec(BIN / "testudo", "--run-dir", node.run_dir, "status", "--sockets").stdout
        check("0.0.0.0[4500]" in sockets and "udp_encap espinudp" in sockets, "it is taken out of iked's socket", sockets + said)
    with wire.capture() as seen:
        left.ping("10.9.0.1", count=20)
        right.ping("10.8.0.1", count=20)
        transfer(left, right, "10.9.0.1", megabytes=1)
    seen.only("IPv4 UDP ESP")
    for daemon in daemons:
        daemon.stop()


def main():
    skip_unless_built()
    iked = program()
    with Lab() as lab:
        left, right, wire = two_gateways(lab)
        keyed(iked, left, right, wire, "enc aes-128 auth hmac-sha1", "E: aes-cbc")
        keyed(iked, left, right, wire, "enc 3des auth hmac-sha1", "E: 3des-cbc")
    with Lab() as lab:
        keyed_in_udp(iked, *two_gateways(lab, "encapsulation_ports = none\n"))
    say("OpenIKED: 3 negotiations, on both sides under the preload")


if __name__ == "__main__":
    main()
