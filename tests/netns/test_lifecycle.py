#!/usr/bin/env python3
"""Start, stop, kill and start again: what stays on the host, and that no protected packet leaves in clear meanwhile.

    left 10.1.0.1 ──────────── wire ──────────── 10.1.0.2 right
    testudod                                     testudod
"""
import itertools
import json
import signal

from lib import BIN, Lab, check, run, say, until
from traces import AT_LEFT, AT_RIGHT, traces, waits


def start_and_stop(left):
    say("a clean stop leaves nothing")
    check(not any(traces(left).values()), "nothing is there before")
    left.start_testudod()
    check(all(traces(left).values()), "table, rule, route and device are there", traces(left))
    second = left.exec(BIN / "testudod", "-F", "--run-dir", left.run_dir, check=False)
    check(second.returncode == 1 and "another testudod" in second.stderr, "a second daemon in the same directory is refused",
          second.stderr)
    left.setkey(AT_LEFT)
    check(left.stop_testudod() == 0, "SIGTERM ends it with status 0")
    check(not any(traces(left).values()), "nothing is left", traces(left))
    check(sorted(p.name for p in left.run_dir.iterdir()) == ["log", "testudo.conf"], "nothing is left in its directory")


def killed(left, right, wire):
    say("kill -9: protected flows are in a black hole, and other flows go on")
    left.start_testudod()
    right.start_testudod()
    left.setkey(AT_LEFT)
    right.setkey(AT_RIGHT)
    left.ping("10.1.0.2")
    with wire.capture() as seen:
        pinging = left.popen("ping", "-q", "-i", "0.01", "-c", "150", "-W", "1", "10.1.0.2")
        until(lambda: False, 0.4)
        left.stop_testudod(signal.SIGKILL)
        pinging.wait()
        left.ping("10.1.0.2", answered=False)
    seen.only("IPv4 ESP")
    with wire.capture() as seen:
        left.ping("10.1.0.3")
    seen.only("IPv4 ICMP")

    say("started again: still nothing in clear until there are policies, which replace the old rules at once")
    with wire.capture() as seen:
        pinging = left.popen("ping", "-q", "-i", "0.01", "-c", "400", "-W", "1", "10.1.0.2")
        left.start_testudod()
        check("still in force" in left.log_text(), "it says so", left.log_text())
        left.ping("10.1.0.2", answered=False)
        say("neither SIGHUP nor a variable is a policy")
        left.daemon.send_signal(signal.SIGHUP)
        left.testudo("sysctl", "-w", "net.inet.ipsec.dfbit=1")
        until(lambda: waits(left, False), 2.5)
        check(waits(left, True), "it still waits for policies")
        left.ping("10.1.0.2", answered=False)
        left.setkey(AT_LEFT)
        check(until(lambda: waits(left, False)), "the new rules are in force")
        left.ping("10.1.0.2")
        pinging.wait()
    seen.only("IPv4 ESP")


def flushed(left, wire):
    say("nft flush ruleset, which reloading a firewall begins with: the rules are put back")
    tables = lambda: set(left.exec("nft", "list", "tables").stdout.splitlines())
    before = tables()
    left.exec("nft", "flush", "ruleset")
    check(until(lambda: tables() == before), "all tables are there again", tables())
    check("tables of this testudod were removed" in left.log_text(), "the log tells of it", left.log_text())
    with wire.capture() as seen:
        left.ping("10.1.0.2")
    seen.only("IPv4 ESP")
    left.exec("nft", "delete", "table", "inet", "testudo_testudo0_udp")
    check(until(lambda: tables() == before), "and so is one that went alone", tables())
    left.setkey("spdadd 10.1.0.1 10.1.0.3 any -P out ipsec esp/transport//require;")
    with wire.capture() as seen:
        left.ping("10.1.0.3", answered=False)
        left.ping("10.1.0.2")
    seen.only("IPv4 ESP")


def not_followed(left):
    say("a change that nft refuses: who asked for it hears so")
    def refused(n):
        script = f"spdadd 10.1.0.1 10.3.0.{n} any -P out ipsec esp/transport//require;"
        left.exec("nft", "delete", "table", "inet", "testudo_testudo0", check=False)  # within a second it is there again
        return "Operation now in progress" in left.setkey(script, check=False).stdout
    tries = itertools.count(1)
    check(until(lambda: refused(next(tries))), "setkey says: Operation now in progress")
    check("does not follow the policies" in left.log_text(), "the log says why", left.log_text())
    check(until(lambda: "10.3.0.1" in left.exec("nft", "list", "table", "inet", "testudo_testudo0", check=False).stdout),
          "and the rules follow a moment later")
    check(left.setkey("spddelete 10.1.0.1 10.3.0.1 any -P out;").stdout == "", "then it is silent again")


def other_names(left, wire):
    for names in ("device = ipsec9\ntable = 777\nrule = 778\nmark = 0x10\n", "mark = 0x10\n", "table = 777\n"):
        say(f"started with other names after kill -9: {names!r}")
        left.setkey("flush; spdflush;" + AT_LEFT)
        left.ping("10.1.0.2")
        with wire.capture() as seen:
            left.stop_testudod(signal.SIGKILL)
            left.start_testudod(names)
            check("still in force" in left.log_text(), "it says what is still in force", left.log_text())
            left.ping("10.1.0.2", answered=False)
            left.testudo("sysctl", "-w", "net.inet.ipsec.dfbit=1")
            until(lambda: waits(left, False), 1.5)
            left.ping("10.1.0.2", answered=False)
        seen.nothing()
        with wire.capture() as seen:
            left.setkey(AT_LEFT)
            check(until(lambda: waits(left, False)), "policies come")
            left.ping("10.1.0.2")
        seen.only("IPv4 ESP")
        left.stop_testudod()
        check(not any(traces(left).values()) and "777" not in left.ip("rule"), "nothing of either is left", traces(left))
        left.start_testudod()
    left.setkey(AT_LEFT)
    left.stop_testudod(signal.SIGKILL)
    left.start_testudod("device = ipsec9\ntable = 777\nrule = 778\nmark = 0x10\n")
    left.setkey("spdflush;")
    check(until(lambda: not any(traces(left).values())), "policies that are flushed take the old names away", traces(left))
    left.stop_testudod()


def background(left):
    say("in the background: the starting process ends when the daemon is ready")
    done = left.exec(BIN / "testudod", "-c", "/dev/null", "--run-dir", left.run_dir)
    pid = int((left.run_dir / "testudod.pid").read_text())
    check(done.returncode == 0 and all(traces(left).values()), "ready with status 0")
    status = (run("cat", f"/proc/{pid}/status").stdout)
    check("CapEff:\t0000000000003000" in status and "NoNewPrivs:\t1" in status, "it keeps CAP_NET_ADMIN and CAP_NET_RAW only", status)
    run("kill", pid)
    check(until(lambda: not any(traces(left).values())), "SIGTERM takes all away")
    failed = left.exec(BIN / "testudod", "-c", "/nonexistent", "--run-dir", left.run_dir, check=False)
    check(failed.returncode == 1 and "/nonexistent" in failed.stderr, "a wrong configuration is told to the starting process")


def queue(left):
    say("how many packets may wait in the device")
    for config, length in (("", 1000), ("queue = 500\n", 500)):
        left.start_testudod(config)
        shown = left.ip("-j", "link", "show", "testudo0")
        check(json.loads(shown)[0]["txqlen"] == length, f"{length} with {config!r}", shown)
        left.stop_testudod()


def bad_config(left):
    say("mistakes in the configuration name their line")
    conf = left.run_dir / "bad.conf"
    for text, words in (("mtu = 12\n", "bad.conf:1: mtu: expected a number from 1280"), ("\nnet.inet.ipsec.nope = 1\n", "bad.conf:2:"),
                        ("colour = red\n", "there is no such key"), ("queue = 1\n", "expected a number from 64"), ("mark = 3\n", "one bit"), ("device\n", "expected `key = value`")):
        conf.write_text(text)
        done = left.exec(BIN / "testudod", "-F", "-c", conf, "--run-dir", left.run_dir, check=False)
        check(done.returncode == 1 and words in done.stderr, words, done.stderr)


def main():
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        wire = lab.link(left, "10.1.0.1/24", right, "10.1.0.2/24 10.1.0.3/24")
        start_and_stop(left)
        killed(left, right, wire)
        flushed(left, wire)
        not_followed(left)
        other_names(left, wire)
        background(left)
        queue(left)
        bad_config(left)


if __name__ == "__main__":
    main()
