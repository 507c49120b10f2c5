#!/usr/bin/env python3
"""Who sent the packet that an inbound policy refused: `testudo drops` shows it, although nft dropped it."""
import json
import signal
import socket
import struct

from lib import Lab, check, say, until

POLICIES = {4: ("10.1.0.1", "10.1.0.2"), 6: ("fd00:1::1", "fd00:1::2")}


def refused(node):
    rows = json.loads(node.testudo("--json", "drops"))["drops"]
    return next(row for row in rows if row["reason"] == "InboundPolicyClear")


def incomplete_policy(node, there, here):
    """SADB_X_SPDSETIDX: a policy whose requests are still to come."""
    def address(kind, text):
        return struct.pack("=HHBBHHH4s8x", 3, kind, 255, 32, 0, socket.AF_INET, 0, socket.inet_aton(text))

    body = struct.pack("=HHHBBII", 2, 18, 2, 1, 0, 0, 0) + address(5, there) + address(6, here)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as keys:
        keys.connect(str(node.run_dir / "pfkey.sock"))
        keys.send(struct.pack("=BBBBHHII", 2, 20, 0, 0, 2 + len(body) // 8, 0, 1, 4711) + body)
        answer = keys.recv(65536)
        check(answer[1] == 20 and answer[2] == 0, "the daemon takes a policy without requests", answer.hex())


def queue_overflows(node):
    say("what the device's queue has no room for while the daemon sleeps")
    count = lambda: next(row["count"] for row in json.loads(node.testudo("--json", "drops"))["drops"] if row["reason"] == "ReceiveQueueFull")
    before = count()
    node.setkey("spdadd 10.1.0.1 10.1.0.2 any -P out ipsec esp/transport//require;")
    node.daemon.send_signal(signal.SIGSTOP)
    node.exec("python3", "-c", "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
              "for _ in range(2000): s.sendto(b'x', ('10.1.0.2', 9))")
    node.daemon.send_signal(signal.SIGCONT)
    lost = json.loads(node.ip("-j", "-s", "link", "show", "testudo0"))[0]["stats64"]["tx"]["dropped"]
    check(lost > 0 and until(lambda: count() == before + lost), f"{lost} packets are counted", node.testudo("drops"))


def main():
    with Lab() as lab:
        node, stranger = lab.node("node"), lab.node("stranger")
        lab.link(node, "10.1.0.1/24 fd00:1::1/64", stranger, "10.1.0.2/24 fd00:1::2/64")
        node.start_testudod()
        say("nothing was refused yet")
        check(refused(node)["count"] == 0 and "last" not in refused(node), "no count, no sample")
        for family, (here, there) in POLICIES.items():
            say(f"IPv{family}: clear packets to a node that requires protection")
            before = refused(node)["count"]
            node.setkey(f"spdflush; spdadd {there} {here} any -P in ipsec esp/transport//require;")
            stranger.ping(here, count=3, answered=False)
            row = until(lambda: refused(node)["count"] >= before + 3 and refused(node))
            check(row and row["count"] == before + 3, "all are counted", row)
            flow = row["last"]["flow"]
            check(there in flow and here in flow, "the last one's addresses are there", flow)
            shown = node.testudo("drops")
            check(there in shown and "0.0.0.0" not in shown, "and in the text", shown)
        say("a policy that is not complete lets nothing in")
        before = refused(node)["count"]
        node.setkey("spdflush;")
        stranger.ping("10.1.0.1")
        incomplete_policy(node, "10.1.0.2", "10.1.0.1")
        stranger.ping("10.1.0.1", count=3, answered=False)
        check(until(lambda: refused(node)["count"] == before + 3), "all are counted", refused(node))
        node.setkey("spdflush; spdadd fd00:1::2 fd00:1::1 any -P in ipsec esp/transport//require;")
        say("a flood is counted whole and sampled now and then")
        before = refused(node)["count"]
        stranger.exec("ping", "-q", "-f", "-c", "2000", "-s", "1400", POLICIES[6][0], check=False)
        row = until(lambda: refused(node)["count"] >= before + 2000 and refused(node))
        check(row and POLICIES[6][1] in row["last"]["flow"], f"2000 more, with addresses", row)
        queue_overflows(node)


if __name__ == "__main__":
    main()
