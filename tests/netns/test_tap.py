#!/usr/bin/env python3
"""`testudo tap`: each packet before and after IPsec, with policy, SA, verdict and reason in comments that tshark shows; a device
that tcpdump opens; and a reader that does not keep up costs no packet."""
import os
import pathlib
import select
import shutil
import signal
import subprocess
import sys

from lib import BIN, Lab, check, run, say, until

SCRIPT = """
add 10.0.0.1 10.0.0.2 esp 1001 -E aes-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 0x000102030405060708090a0b0c0d0e0f10111213;
add 10.0.0.2 10.0.0.1 esp 1002 -E aes-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 0x{key};
spdadd 10.0.0.{me} 10.0.0.{peer} any -P out ipsec esp/transport//require;
spdadd 10.0.0.{peer} 10.0.0.{me} any -P in ipsec esp/transport//require;
"""
KEY = "000102030405060708090a0b0c0d0e0f10111213"


def start(node, *words):
    """`testudo tap`, once it listens."""
    process = node.popen(BIN / "testudo", "--run-dir", node.run_dir, "tap", *words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    check("listening" in process.stderr.readline(), f"testudo tap {' '.join(map(str, words))} listens")
    return process


def end(process):
    process.send_signal(signal.SIGINT)
    out, said = process.communicate(timeout=30)
    check(process.returncode == 0, "it ends in good order", said)
    return out, said


def rows(file, *fields):
    command = ["tshark", "-r", file, "-n", "-T", "fields", "-E", "separator=|"]
    return [line.split("|") for line in run(*command, *(w for f in fields for w in ("-e", f))).stdout.splitlines()]


def main():
    with Lab() as lab:
        if shutil.which("tshark") is None:
            say("skipped: needs tshark")
            sys.exit(77)
        a, b = lab.node("a"), lab.node("b")
        lab.link(a, "10.0.0.1/24", b, "10.0.0.2/24")
        for node, me, peer in ((a, 1, 2), (b, 2, 1)):
            node.start_testudod()
            node.setkey(SCRIPT.format(me=me, peer=peer, key=KEY))

        say("a capture")
        file = lab.directory / "tap.pcapng"
        tap = start(a, "--pcapng", file)
        a.ping("10.0.0.2", count=2)
        end(tap)
        seen = rows(file, "frame.interface_name", "ip.proto", "frame.packet_flags_direction", "frame.comment")
        ways = [[row[0], row[1]] for row in seen]
        check(ways == [["host", "1"], ["wire", "50"], ["wire", "50"], ["host", "1"]] * 2,
              "tshark reads it: ICMP at the host, ESP on the wire, both ways", seen)
        check(seen[0][3].endswith("out before IPsec"), "the comment before", seen[0])
        check("out after IPsec: protected; policy=" in seen[1][3] and "esp spi=1001(0x000003e9) seq=1" in seen[1][3],
              "the comment after names policy, protocol, SPI and sequence number", seen[1])
        check("in after IPsec: delivered;" in seen[3][3] and "spi=1002" in seen[3][3], "and so inbound", seen[3])
        check([row[2] for row in seen[:4]] == ["2", "2", "1", "1"] or [int(row[2], 0) for row in seen[:4]] == [2, 2, 1, 1],
              "the flags tell the direction", seen)
        check(run("tcpdump", "-Z", "root", "-n", "-r", file).stdout.count("ESP") == 4, "tcpdump reads it")

        say("what is dropped, and as lines")
        a.setkey("delete 10.0.0.2 10.0.0.1 esp 1002; " + SCRIPT.splitlines()[2].format(key="ff" + KEY[2:]))
        tap = start(a)
        a.ping("10.0.0.2", count=1, answered=False)
        out, _ = end(tap)
        check("in dropped: BadIcv: The integrity check failed" in out and "spi=1002(0x000003ea)" in out, "reason and SPI of a drop", out)
        a.setkey("delete 10.0.0.2 10.0.0.1 esp 1002; " + SCRIPT.splitlines()[2].format(key=KEY))

        say("a device for tcpdump")
        tap = start(a, "--interface", "ipsec-tap")
        dump = a.popen("tcpdump", "-e", "-n", "-l", "-c", "4", "-i", "ipsec-tap", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        until(lambda: "listening" in dump.stderr.readline())
        a.ping("10.0.0.2", count=1)
        shown = dump.communicate(timeout=30)[0]
        lines = [(line.split(" > ")[0][-2:], "ESP" in line) for line in shown.splitlines()]
        check(lines == [("01", False), ("02", True), ("03", True), ("04", False)], "before and after, each way, by the sender's last byte", shown)
        end(tap)
        check("ipsec-tap" not in a.ip("link"), "the device goes with the program")

        say("a pipe for Wireshark")
        words = f"{BIN / 'testudo'} --run-dir {a.run_dir} tap --pcapng - | tshark -n -l -c 4 -i - -T fields -e ip.proto -e frame.comment"
        shark = a.popen("sh", "-c", words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        check(until(lambda: "listening" in shark.stderr.readline()), "testudo tap --pcapng - listens")
        pinging = a.popen("ping", "-n", "-q", "-i", "0.2", "10.0.0.2", stdout=subprocess.DEVNULL)  # both need a moment
        shown, said = shark.communicate(timeout=60)
        pinging.kill()
        pinging.wait()
        live = [line.split("\t") for line in shown.splitlines()]
        check(sorted(row[0] for row in live) == ["1", "1", "50", "50"] and any("spi=1001" in row[1] for row in live),
              "tshark -i - shows packets as they come, with their comments", shown + said)

        say("a reader that sleeps")
        tap = start(a, "--pcapng", file)
        os.kill(tap.pid, signal.SIGSTOP)
        a.exec("ping", "-n", "-q", "-f", "-c", "1500", "-s", "1400", "-w", "60", "10.0.0.2")
        os.kill(tap.pid, signal.SIGCONT)
        a.ping("10.0.0.2")
        _, said = end(tap)
        packets, missed = (int(said.split()[i]) for i in (1, 3))
        check(missed > 0 and 6000 <= packets + missed <= 6100, "missed what it did not take, and counts it; every ping was answered", said)

        say("a signal while it waits for its reader")
        os.mkfifo(fifo := lab.directory / "fifo")
        reader = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
        tap = start(a, "--pcapng", fifo)
        a.exec("ping", "-n", "-q", "-f", "-c", "100", "-s", "1400", "-w", "60", "10.0.0.2")
        check(until(lambda: pathlib.Path(f"/proc/{tap.pid}/wchan").read_text().endswith("pipe_write")), "the reader's pipe is full")
        tap.send_signal(signal.SIGINT)
        while tap.poll() is None:
            if select.select([reader], [], [], 0.1)[0]:
                os.read(reader, 1 << 16)
        check(tap.returncode == 0, "it ends in good order", tap.stderr.read())


if __name__ == "__main__":
    main()
