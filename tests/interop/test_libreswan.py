#!/usr/bin/env python3
"""racoon and libreswan's pluto prove themselves to each other by a pre-shared key: main and aggressive mode, in both roles, and
what both say of a wrong key.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right
    testudod, racoon                                 pluto

pluto has no ESP of its own and this kernel none for it: phase 1 alone is judged.
"""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "netns"))
from lib import BIN, SOURCE, Lab, check, run, say, until  # noqa: E402
from networks import LEFT, RIGHT, first_ping, transport, two_hosts  # noqa: E402
from racoon import KEY, Racoon, racoon_conf  # noqa: E402

# pluto's words, and ours: cipher, hash, group.
SUITES = [
    ("main", "aes128-sha1-modp2048", ("aes 128", "sha1", "modp2048")),
    ("main", "aes256-sha2_512-modp4096", ("aes 256", "sha512", "modp4096")),
    ("main", "3des-sha1-modp1536", ("3des", "sha1", "modp1536")),
    ("main", "aes256-sha2_256-dh19", ("aes 256", "sha256", "ecp256")),
    ("aggressive", "aes128-sha1-modp2048", ("aes 128", "sha1", "modp2048")),
    ("aggressive", "aes256-sha2_256-dh20", ("aes 256", "sha256", "ecp384")),
]
PLUTO = """config setup
    protostack=xfrm
    logfile={home}/log
    uniqueids=no
    ikev1-policy=accept
conn c
    left={right}
    right={left}
    authby=secret
    type=transport
    leftupdown=/bin/true
    ikev2=no
    aggressive={aggressive}
    ike={suite}
    esp=aes128-sha1
    pfs=no
    retransmit-timeout=20s
"""


def package():
    """The folder in which the files of Debian's package lie: it cannot be installed beside strongSwan's."""
    for candidate in (os.environ.get("PEER_LIBRESWAN"), SOURCE / "build" / "peers" / "libreswan", "/"):
        if candidate and (pathlib.Path(candidate) / "usr/libexec/ipsec/pluto").exists():
            return pathlib.Path(candidate).resolve()
    say("skipped: needs libreswan's pluto, here or in the folder that PEER_LIBRESWAN names (tools/apt_unpack libreswan FOLDER)")
    sys.exit(77)


class Pluto:
    """In a mount namespace of its own: the places of its helpers are compiled in."""

    def __init__(self, files, node, mode, suite, key=KEY):
        self.node, self.home, self.files = node, node.lab.directory / "pluto", files / "usr/libexec"
        for folder in ("nss", "run", "d"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        if not (self.home / "nss" / "cert9.db").exists():
            run("certutil", "-N", "-d", f"sql:{self.home}/nss", "--empty-password")
        aggressive = "yes" if mode == "aggressive" else "no"
        (self.home / "conf").write_text(PLUTO.format(home=self.home, left=LEFT, right=RIGHT, aggressive=aggressive, suite=suite))
        (self.home / "secrets").write_text(f'{LEFT} {RIGHT} : PSK "{key}"\n')
        os.chmod(self.home / "secrets", 0o600)
        (self.home / "log").write_text("")
        self.process = node.popen(*self.wrapped(
            f"exec {self.files}/ipsec/pluto --nofork --config {self.home}/conf --secretsfile {self.home}/secrets"
            f" --nssdir {self.home}/nss --ipsecdir {self.home}/d --rundir {self.home}/run --use-xfrm --no-dnssec"),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        check(until((self.home / "run" / "pluto.ctl").exists), "pluto runs", self.text())
        self.ask("whack", "--listen")
        said = self.ask("addconn", "c")
        check("added IKEv1 connection" in self.text(), "pluto has its configuration", said + self.text())

    def wrapped(self, command):
        mounts = "" if self.files == pathlib.Path("/usr/libexec") else f"mount --bind {self.files} /usr/libexec;"
        return "unshare", "-m", "sh", "-ec", f"mount --make-rprivate /; {mounts} {command}"

    def ask(self, program, *arguments):
        where = ("--rundir", self.home / "run") if program == "whack" else (
            "--config", self.home / "conf", "--ctlsocket", self.home / "run" / "pluto.ctl")
        words = " ".join(str(word) for word in (*where, *arguments))
        done = self.node.exec(*self.wrapped(f"exec {self.files}/ipsec/{program} {words}"), check=False)
        return done.stdout + done.stderr

    def begin(self):
        return self.ask("whack", "--initiate", "--name", "c", "--asynchronous")

    def text(self):
        return (self.home / "log").read_text(encoding="utf-8")

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
        (self.home / "run" / "pluto.ctl").unlink(missing_ok=True)
        (self.home / "run" / "pluto.pid").unlink(missing_ok=True)


def start_racoon(node, mode, suite):
    conf = racoon_conf(f"exchange_mode {mode};", "timer { counter 3; interval 2 sec; phase1 20 sec; }", suite=suite, esp=("aes 128", "hmac_sha1"),
                       sainfo="")
    return Racoon(node, conf, f"{RIGHT} {KEY}\n")


def start(first, racoon, pluto):
    return first_ping(racoon.node, RIGHT) if first == "racoon" else pluto.begin()


def both(racoon, pluto):
    return f"racoon:\n{racoon.text()}\npluto:\n{pluto.text()}"


def negotiate(files, left, right, suite, first):
    mode, theirs, ours = suite
    say(f"-- {mode} mode, {theirs}, {first} begins")
    pluto, racoon = Pluto(files, right, mode, theirs), start_racoon(left, mode, ours)
    start(first, racoon, pluto)
    agreed = lambda: "ISAKMP-SA established" in racoon.text() and "established {auth=PRESHARED_KEY" in pluto.text()
    check(until(agreed, 30), "phase 1 is established on both sides", both(racoon, pluto))
    check("PAYLOAD_MALFORMED" not in both(racoon, pluto) and "malformed" not in pluto.text(), "neither finds fault with a message", both(racoon, pluto))
    racoon.stop()
    pluto.stop()


def wrong_key(files, left, right, first):
    say(f"-- another key, {first} begins")
    mode, theirs, ours = SUITES[0]
    pluto, racoon = Pluto(files, right, mode, theirs, key="another"), start_racoon(left, mode, ours)
    start(first, racoon, pluto)
    told = until(lambda: "pre-shared key" in left.exec(BIN / "racoonctl", "--run-dir", left.run_dir, "explain", RIGHT, check=False).stdout, 60)
    check(told, "racoonctl explain names the pre-shared key", both(racoon, pluto))
    check("ISAKMP-SA established" not in racoon.text(), "and nothing is established", racoon.text())
    racoon.stop()
    pluto.stop()


def main():
    files = package()
    with Lab() as lab:
        left, right, _ = two_hosts(lab)
        for node, to in ((left, RIGHT), (right, LEFT)):
            node.ip("route", "add", "default", "via", to)
        left.start_testudod()
        left.setkey(transport(LEFT, RIGHT))
        for suite in SUITES:
            for first in ("racoon", "pluto"):
                negotiate(files, left, right, suite, first)
        for first in ("racoon", "pluto"):
            wrong_key(files, left, right, first)
        say(f"libreswan: {2 * len(SUITES)} negotiations of phase 1, both roles")


if __name__ == "__main__":
    main()
