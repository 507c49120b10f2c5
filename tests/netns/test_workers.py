#!/usr/bin/env python3
"""Two threads that carry packets in each of two hosts: both of them work, in both directions, by raw ESP and by ESP in
UDP, and nothing is lost or counted wrongly.

    left 10.3.0.1 ──────────── wire ──────────── 10.3.0.2 right
         fd03::1     testudod --workers 2         fd03::2

An SA of an even SPI is opened by the first worker, one of an odd SPI by the second; what is sent goes by the queue of
the device that the kernel chose for its flow."""
import json
import signal
import sys
import threading

from lib import BIN, Lab, check, pinger, say, transfer, until
from workers import FLOWS, adds_up, both_worked, carry, drops, told, workers

KEY = "0x{:040x}"
# Each port has SAs of its own, so that there are even and odd SPIs in both directions, and one pair of them has the
# small window for which workers take turns.
RULE = """
spdadd {a}/{bits} {b}/{bits}[{port}] tcp -P {out} ipsec esp/{mode}/{there}/unique:{id};
spdadd {b}/{bits}[{port}] {a}/{bits} tcp -P {into} ipsec esp/{mode}/{back}/unique:{back_id};
"""
SA = "add {a}{at} {b}{at} {kind} {spi} -u {id} -m {mode} {window} -E aes-gcm-16 {key};\n"
PINGS = """
spdadd {a}/{bits} {b}/{bits} {icmp} -P {out} ipsec esp/{mode}/{there}/unique:{id};
spdadd {b}/{bits} {a}/{bits} {icmp} -P {into} ipsec esp/{mode}/{back}/unique:{back_id};
"""


def script(ends, kind, at_left):
    """Policies and SAs of one of the two hosts: SPI and reqid are the same number."""
    a, b = ends
    mode, at = ("tunnel", " [4500]") if kind == "esp-udp" else ("transport", "")
    six = ":" in a
    text = "flush; spdflush;\n"
    for n in range(FLOWS + 1):
        spi = 0x1000 + 2 * n + (n // 2) % 2
        back = spi ^ 1
        window = "-r 4" if n % 2 else "-r 128"
        for x, y, name in ((a, b, spi), (b, a, back)):
            text += SA.format(a=x, b=y, at=at, kind=kind, spi=name, id=name, mode=mode, window=window, key=KEY.format(name))
        there, to_here = (f"{a}-{b}", f"{b}-{a}") if mode == "tunnel" else ("", "")
        directions = {"out": "out", "into": "in"} if at_left else {"out": "in", "into": "out"}
        text += (RULE if n < FLOWS else PINGS).format(
            a=a, b=b, bits=128 if six else 32, port=5001 + n, mode=mode, there=there, back=to_here, id=spi, back_id=back,
            icmp="icmp6" if six else "icmp", **directions)
    return text


def stage(title, left, right, ends, kind):
    say(title)
    left.setkey(script(ends, kind, True))
    right.setkey(script(ends, kind, False))
    before = {node: workers(node) for node in (left, right)}
    carry(left, right, ends[1])
    for node in (left, right):
        both_worked(node, before[node])
        check(not drops(node), f"{node.name} dropped nothing", node.testudo("drops"))
        adds_up(node)


# In one direction only: where nothing comes back the kernel divides flows by their hash alone.
ONE_SA = """
flush; spdflush;
add 10.3.0.1 10.3.0.2 esp 0x2000 -m tunnel -r 4 -E aes-gcm-16 0x{key};
spdadd 10.3.0.1/32 10.3.0.2/32[7007] udp -P {way} ipsec esp/tunnel/10.3.0.1-10.3.0.2/require;
"""
SENDER = """
import socket
flows = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(16)]
for flow in flows: flow.connect(('10.3.0.2', 7007))
for _ in range({count}):
    for flow in flows: flow.send(bytes(200))
"""


def small_window(left, right, count=400):
    """Both workers seal with one SA whose peer remembers 32 packets, in turns."""
    say("one SA with a small window, sealed by both")
    for node, way in ((left, "out"), (right, "in")):
        node.setkey(ONE_SA.format(way=way, key="42" * 20))
    # Somebody reads nothing, so that no ICMP error comes back.
    sink = right.popen(sys.executable, "-c", "import socket, time; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);"
                       "s.bind(('10.3.0.2', 7007)); print('bound', flush=True); time.sleep(600)", stdout=-1, text=True)
    sink.stdout.readline()
    before, at_right = workers(left), told(right, "status")["packets"]["to_host"]
    left.exec(sys.executable, "-c", SENDER.format(count=count))
    lost = drops(left).get("ReceiveQueueFull", 0) + drops(right).get("ReceiveQueueFull", 0)
    arrived = lambda: told(right, "status")["packets"]["to_host"] - at_right + drops(right).get("Replayed", 0)
    until(lambda: arrived() >= 16 * count - lost)
    sealed = [now["from_host"] - then["from_host"] for now, then in zip(workers(left), before)]
    check(min(sealed) > 0, f"both workers of the left sealed: {sealed}")
    check(drops(right).get("Replayed", 0) == 0, "and none came too late for the right", right.testudo("drops"))
    sink.kill()
    sink.wait()


def shows_itself(node):
    say("what `testudo` says of them")
    names = [w["thread"] for w in workers(node)]
    check(names == ["packets", "packets/1"], "status names the workers", names)
    text = node.testudo("status")
    check("packets/1" in text, "in words, too", text)


def traces_all(left, right):
    """Of all workers, each packet under a number of its own."""
    say("a trace while both carry packets")
    trace = left.popen(BIN / "testudo", "--run-dir", left.run_dir, "--json", "trace", stdout=-1, text=True)
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(trace.stdout), daemon=True)
    reader.start()
    until(lambda: left.exec(*pinger("10.3.0.2", 2), check=False).returncode == 0 and lines)
    for n in (0, 2):
        transfer(left, right, "10.3.0.2", megabytes=1, port=5001 + n)
    trace.send_signal(signal.SIGINT)
    trace.wait(20)
    reader.join(20)
    sealed = [step for step in map(json.loads, lines) if step["step"] == "sealed"]
    check(len(sealed) > 0, f"{len(sealed)} packets were sealed before its eyes", lines[:3])
    numbers = [step["packet"] for step in sealed]
    check(len(numbers) == len(set(numbers)), "none of them under the number of another")


def main():
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        lab.link(left, "10.3.0.1/24 fd03::1/64", right, "10.3.0.2/24 fd03::2/64")
        for node in (left, right):
            node.sysctl("net.ipv4.tcp_rmem", "4096 65536 131072")  # so little that no queue is ever full
            node.start_testudod(arguments=("--workers", "2"))
        v4, v6 = ("10.3.0.1", "10.3.0.2"), ("fd03::1", "fd03::2")
        stage("raw ESP", left, right, v4, "esp")
        stage("raw ESP over IPv6", left, right, v6, "esp")
        stage("ESP in UDP", left, right, v4, "esp-udp")
        shows_itself(left)
        traces_all(left, right)
        small_window(left, right)
        for node in (left, right):
            check(node.stop_testudod() == 0, f"{node.name} ends at SIGTERM")


if __name__ == "__main__":
    sys.exit(main())
