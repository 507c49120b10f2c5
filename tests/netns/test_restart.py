#!/usr/bin/env python3
"""A testudod that is stopped to be started again, as its unit does it: what it protects is in clear at no moment.

    left 10.1.0.1 ──────────── wire ──────────── 10.1.0.2 right
    testudod --keep-rules                        testudod
"""
from lib import BIN, Lab, check, until
from traces import AT_LEFT, AT_RIGHT, traces, waits

KEEP = ("--keep-rules",)


def release(node):
    return node.exec(BIN / "testudod", "-F", "-c", node.run_dir / "testudo.conf", "--run-dir", node.run_dir, "--release", check=False)


def restarted(left, right, wire):
    left.start_testudod(arguments=KEEP)
    right.start_testudod()
    left.setkey(AT_LEFT)
    right.setkey(AT_RIGHT)
    with wire.capture() as seen:
        pinging = left.popen("ping", "-q", "-i", "0.005", "-c", "800", "-W", "1", "10.1.0.2")
        until(lambda: False, 0.4)
        check(left.stop_testudod() == 0, "SIGTERM ends it with status 0")
        check(traces(left)["nft"] and traces(left)["rule"], "its rules stay", traces(left))
        until(lambda: False, 0.4)
        left.start_testudod(arguments=KEEP)
        check(waits(left, True), "its successor waits for policies")
        left.ping("10.1.0.2", answered=False)
        left.setkey(AT_LEFT)
        right.setkey("flush; spdflush;" + AT_RIGHT)  # the other end has seen these numbers
        check(until(lambda: waits(left, False)), "and has them")
        left.ping("10.1.0.2")
        pinging.wait()
    seen.only("IPv4 ESP")


def tunnels(left):
    left.testudo("tunnel", "add", "ipsec0", "local", "10.1.0.1", "remote", "10.1.0.9")
    left.ip("address", "add", "172.16.0.1/24", "dev", "ipsec0")
    left.testudo("tunnel", "add", "ipsec1", "local", "10.1.0.1", "remote", "10.1.0.8", "unnumbered")
    left.ip("route", "add", "10.1.0.3/32", "dev", "ipsec1", "src", "10.1.0.1")
    left.stop_testudod()
    check("172.16.0.1" in left.ip("address"), "a tunnel interface stays, with what leads into it")
    refused = left.exec(BIN / "testudod", "-F", "-c", bad_config(left), "--run-dir", left.run_dir, check=False)
    check(refused.returncode == 1 and "tunnel to-right" in refused.stderr, "a successor that cannot start", refused.stderr)
    check("172.16.0.1" in left.ip("address"), "leaves it, too")
    left.start_testudod("tunnel = ipsec0 local 10.1.0.1 remote 10.1.0.9\n", arguments=KEEP)


def bad_config(left):
    """Its first tunnel can be made, its second has the name of the wire's device."""
    path = left.run_dir / "bad.conf"
    path.write_text("tunnel = ipsec0 local 10.1.0.1 remote 10.1.0.9\ntunnel = to-right local 10.1.0.1 remote 10.1.0.7\n")
    return path


def released(left, wire):
    left.setkey(AT_LEFT)
    check(until(lambda: waits(left, False)), "policies are there again")
    left.stop_testudod()
    with wire.capture() as seen:
        left.ping("10.1.0.2", answered=False)
        left.ping("10.1.0.3", answered=False)
    seen.nothing()
    left.exec("ip", "tuntap", "add", "dev", "other0", "mode", "tun")
    left.ip("link", "set", "other0", "alias", "testudo tunnel of another directory")
    done = release(left)
    check(done.returncode == 0, "--release ends with status 0", done.stderr)
    check(not any(traces(left).values()) and "ipsec" not in left.ip("link"),
          "all is taken away, also the tunnel that no file names", (traces(left), left.ip("link")))
    check("other0" in left.ip("link"), "but not another daemon's")
    with wire.capture() as seen:
        left.ping("10.1.0.3")
    seen.only("IPv4 ICMP")
    check(release(left).returncode == 0 and not any(traces(left).values()), "where there is nothing to take away it takes nothing")


def running(left):
    left.start_testudod(arguments=KEEP)
    done = release(left)
    check(done.returncode == 1 and "another testudod" in done.stderr, "what a testudod that runs has is not released", done.stderr)
    check(all(traces(left).values()), "and stays", traces(left))


def main():
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        wire = lab.link(left, "10.1.0.1/24", right, "10.1.0.2/24 10.1.0.3/24")
        restarted(left, right, wire)
        tunnels(left)
        released(left, wire)
        running(left)


if __name__ == "__main__":
    main()
