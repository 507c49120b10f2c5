#!/usr/bin/env python3
"""racoon on two hosts: a ping asks for keys, IKE makes them, ESP carries the replies.

    left 10.2.3.4 ─────────── wire ─────────── 10.2.3.5 right
    testudod, racoon                     testudod, racoon

The policies cover everything between the two hosts, IKE's own packets with it, as in the NetBSD IPsec FAQ.  Then a wrong
key, and proposals that do not match: both sides say why.
"""
import os
import pathlib
import signal

from lib import BIN, Lab, check, say, until

LEFT, RIGHT = "10.2.3.4", "10.2.3.5"

CONF = """{top}
path pre_shared_key "{directory}/psk.txt";
padding {{ maximum_length 20; randomize off; strict_check off; exclusive_tail off; }}
timer {{ counter 5; interval 20 sec; persend 1; phase1 30 sec; phase2 15 sec; }}
remote anonymous
{{
    exchange_mode {exchange};
    doi ipsec_doi;
    situation identity_only;
    nonce_size 16;
    lifetime time 30 min;
    initial_contact on;
    proposal_check obey; {more}
    proposal {{
        encryption_algorithm 3des;
        hash_algorithm sha1;
        authentication_method {method};
        dh_group {group};
    }}
}}
sainfo anonymous
{{
    pfs_group modp1024;
    lifetime time 30 min;
    encryption_algorithm {cipher};
    authentication_algorithm hmac_sha1;
    compression_algorithm deflate;
}}
"""


def policies(here, there):
    return f"""
        spdadd {here} {there} any -P out ipsec esp/transport//require;
        spdadd {there} {here} any -P in ipsec esp/transport//require;
    """


class Racoon:
    def __init__(self, node, peer, key="mekmitasdigoat", mode=0o600, group="modp1024", cipher="aes", more="", top="", method="pre_shared_key",
                 exchange="main, aggressive"):
        self.node, self.directory = node, node.run_dir
        psk = self.directory / "psk.txt"
        psk.write_text(f"# identifier and key\n{peer} {key}\n")
        os.chmod(psk, mode)
        conf = self.directory / "racoon.conf"
        conf.write_text(CONF.format(directory=self.directory, group=group, cipher=cipher, more=more, top=top, method=method,
                                    exchange=exchange))
        self.log = open(self.directory / "racoon.log", "w+", encoding="utf-8")
        self.process = node.popen(BIN / "racoon", "-F", "-f", conf, "--run-dir", self.directory, stdout=self.log, stderr=self.log)
        until(lambda: self.process.poll() is not None or "used as isakmp port" in self.text())
        check(self.process.poll() is None, f"racoon of {node.name} runs", self.text())

    def text(self):
        return (self.directory / "racoon.log").read_text(encoding="utf-8")

    def says(self, words, why):
        check(until(lambda: words in self.text()), f"racoon of {self.node.name}: {why}", self.text())

    def child(self):
        """The process that speaks to peers."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text(encoding="ascii").split()[0])

    @staticmethod
    def facts(pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii").split("\n")
        return {name: value.split() for name, value in (line.split(":\t", 1) for line in status if ":\t" in line)}

    @staticmethod
    def threads(pid):
        return [f"{pid}/task/{thread.name}" for thread in pathlib.Path(f"/proc/{pid}/task").iterdir()]

    def has_few_privileges(self):
        """In all threads: each has capabilities and a filter of its own."""
        net_admin, bind_service, kill = 1 << 12, 1 << 10, 1 << 5
        parent = [self.facts(thread) for thread in self.threads(self.process.pid)]
        check(len(parent) == 2 and all(
            int(facts["CapPrm"][0], 16) == net_admin | bind_service | kill and int(facts["CapBnd"][0], 16) == net_admin | bind_service
            and facts["NoNewPrivs"] == ["1"] for facts in parent),
            f"racoon of {self.node.name} keeps three capabilities, of which scripts have two", str(parent))
        child = [self.facts(thread) for thread in self.threads(self.child())]
        none = [[facts[name] for name in ("CapPrm", "CapEff", "CapInh", "CapBnd", "CapAmb")] for facts in child]
        check(len(child) > 1 and none == [[["0" * 16]] * 5] * len(child)
              and all(facts["NoNewPrivs"] == ["1"] and facts["Seccomp"] == ["2"] for facts in child),
              "the process that speaks to peers has none, and a filter of system calls", str(child))
        users = {user for facts in child for user in (*facts["Uid"], *facts["Gid"], *facts["Groups"])}
        check("0" not in users and all(len(facts["Groups"]) == 1 for facts in child), "it is not root, in no group of root's", str(child))

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check(self.process.wait(20) == 0, f"racoon of {self.node.name} ends with status 0", self.text())


def keyed(lab, left, right, wire):
    say("-- a ping brings the keys, also when one before found no racoon")
    left.ping(RIGHT, count=1, answered=False)
    daemons = [Racoon(left, RIGHT), Racoon(right, LEFT)]
    with wire.capture() as seen:
        left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", RIGHT, check=False)
        for daemon in daemons:
            daemon.says("IPsec-SA established", "phase 2 is established")
        left.ping(RIGHT)
        right.ping(LEFT)
    seen.only("IPv4 UDP", "IPv4 ESP")
    messages = {frame[28:] for frame, kind in zip(seen.frames, seen.packets) if kind == "IPv4 UDP"}
    check(len(messages) == 9, "six messages of main mode and three of quick mode", str(seen.packets))
    for daemon in daemons:
        daemon.has_few_privileges()
    for node in (left, right):
        dump = node.setkey("dump;").stdout
        check(dump.count("E: aes-cbc") == 2 and dump.count("A: hmac-sha1") == 2, f"setkey -D of {node.name} shows both SAs", dump)
    say("-- what an administrator removes goes on both sides, and comes back when it is needed")
    left.setkey("flush;")
    check(until(lambda: "mature" not in right.setkey("dump;").stdout), "the SAs are gone on the other side too", daemons[1].text())
    left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", RIGHT, check=False)
    check(until(lambda: left.setkey("dump;").stdout.count("mature") == 2), "there are new ones", daemons[0].text())
    left.ping(RIGHT)
    check("192.0.0.8" not in daemons[0].text(), "no socket has the address of testudod's device", daemons[0].text())
    daemons[0].stop()
    for node in (left, right):
        check(until(lambda: "mature" not in node.setkey("dump;").stdout), f"{node.name}: the SAs are gone with the daemon of one side",
              node.setkey("dump;").stdout + daemons[0].text() + daemons[1].text())
    daemons[1].stop()


def recovers(lab, left, right):
    say("-- testudod is killed and comes again: the next packets get new SAs")
    daemons = [Racoon(left, RIGHT, more="dpd_delay 1; dpd_retry 1; dpd_maxfail 2;"), Racoon(right, LEFT)]
    left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", RIGHT, check=False)
    daemons[0].says("IPsec-SA established", "phase 2 is established")
    left.stop_testudod(signal.SIGKILL)
    daemons[0].says("waiting for the next one", "testudod is gone")
    left.start_testudod()
    left.setkey(policies(LEFT, RIGHT))
    daemons[0].says("testudod is there again", "testudod is there again")
    until(lambda: left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", RIGHT, check=False).returncode == 0)
    left.ping(RIGHT)
    check(right.setkey("dump;").stdout.count("mature") == 2, "the other side has no SA of before", right.setkey("dump;").stdout)
    say("-- the other racoon is killed: its SAs go, and the one that comes gets new ones")
    daemons[1].process.kill()
    daemons[0].says("seems to be dead.", "dead peer detection")
    check(until(lambda: "mature" not in left.setkey("dump;").stdout), "the SAs are gone", left.setkey("dump;").stdout)
    daemons[1] = Racoon(right, LEFT)
    until(lambda: left.exec("ping", "-n", "-q", "-c", "1", "-W", "1", RIGHT, check=False).returncode == 0)
    left.ping(RIGHT)
    for daemon in daemons:
        daemon.stop()


def refused(lab, left, right, wire, words, why, **changed):
    say(f"-- {why}")
    daemons = [Racoon(left, RIGHT), Racoon(right, LEFT, **changed)]
    with wire.capture() as seen:
        left.ping(RIGHT, count=1, answered=False)
        for daemon, text in zip(daemons, words):
            daemon.says(text, why)
    check(seen.count("IPv4 ICMP") == 0, "nothing goes in clear", str(seen.packets))
    for daemon in daemons:
        daemon.stop()


def main():
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        wire = lab.link(left, f"{LEFT}/24", right, f"{RIGHT}/24")
        for node, here, there in ((left, LEFT, RIGHT), (right, RIGHT, LEFT)):
            node.start_testudod()
            node.setkey(policies(here, there))
        keyed(lab, left, right, wire)
        recovers(lab, left, right)
        refused(lab, left, right, wire, ["pre-shared key does not match"] * 2, "another key", key="another")
        refused(lab, left, right, wire, ["NO-PROPOSAL-CHOSEN", "DH group does not match; ours: modp2048; theirs: modp1024"],
                "another group", group="modp2048")
        refused(lab, left, right, wire, ["phase 2 with", "algorithms does not match"], "another cipher of ESP", cipher="3des")
        refused(lab, left, right, wire, ["AUTHENTICATION-FAILED", "psk.txt has weak file permission"], "a psk.txt that others can read", mode=0o644)


if __name__ == "__main__":
    main()
