#!/usr/bin/env python3
"""setkey against a daemon: what each form prints and how it ends, byte for byte; and a reader of a dump that is slow
while others add SAs."""
import json
import os
import re
import signal
import socket
import struct
import subprocess

from lib import BIN, Lab, check, run, say, until

ADD = "add 10.0.0.1 10.0.0.2 esp 4096 -m tunnel -u 7 -r 4 -E des-cbc 0x0011223344556677 -A hmac-md5 0x00112233445566778899aabbccddeeff;\n"
POLICY = "spdadd 10.0.1.0/24 10.0.2.0/24[80] tcp -P out ipsec esp/tunnel/10.0.0.1-10.0.0.2/require ah/transport//use;\n"
SHOWN = """10.0.0.1 10.0.0.2 
	esp mode=tunnel spi=4096(0x00001000) reqid=7(0x00000007)
	E: des-cbc  00112233 44556677
	A: hmac-md5  00112233 44556677 8899aabb ccddeeff
	seq=0x00000000 replay=4 flags=0x00000040 state=mature 
	created: DATE	current: DATE
	diff: N(s)	hard: 0(s)	soft: 0(s)
	last:                     	hard: 0(s)	soft: 0(s)
	current: 0(bytes)	hard: 0(bytes)	soft: 0(bytes)
	allocated: 0	hard: 0	soft: 0
	sadb_seq=0 pid=N refcnt=0
"""
SHOWN_POLICY = """10.0.1.0/24[any] 10.0.2.0/24[80] 6(tcp)
	out ipsec
	esp/tunnel/10.0.0.1-10.0.0.2/require
	ah/transport//use
	spid=N seq=0 pid=N
	refcnt=0
"""


def plain(text):
    """Without what differs from run to run."""
    text = re.sub(r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}", "DATE", text)
    return re.sub(r"(diff: |pid=|spid=)\d+", r"\1N", text)


def full_disk(node):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run(["ip", "netns", "exec", node.ns, BIN / "setkey", "-D"], stdout=full, stderr=subprocess.PIPE, text=True,
                              env=node.environment(), check=False)
    check((done.returncode, done.stderr) == (1, "setkey: write error\n"), "a dump that cannot be written is a failure", done)


def every_form(node):
    broken = node.run_dir / "broken.conf"
    broken.write_text(ADD + ADD + "flush\n;\nfoo;\n")
    twice = node.run_dir / "twice.conf"
    twice.write_text("\n" + ADD + POLICY + "# a comment\n" + POLICY)
    saved = node.run_dir / "saved.txt"
    saved.write_text(SHOWN.replace("DATE", "Nov 21 14:00:00 2026").replace("N", "1").replace("1ov", "Nov"))
    table = [
        # arguments, standard input, exit status, standard output, standard error
        (["-D"], "", 0, "No SAD entries.\n", ""),
        (["-DP"], "", 0, "No SPD entries.\n", ""),
        (["-F"], "", 0, "", ""),
        (["-FP"], "", 0, "", ""),
        (["-c"], "get 10.0.0.1 10.0.0.2 esp 4096;", 0, "No entry.\n", ""),
        (["-c"], "delete 10.0.0.1 10.0.0.2 esp 4096;", 0, "No entry.\n", ""),
        (["-c"], "deleteall 10.0.0.1 10.0.0.2 esp;", 0, "", ""),
        (["-c"], "spddelete 10.0.0.1 10.0.0.2 any -P out;", 0, "Invalid argument.\n", ""),
        (["-c"], "update 10.0.0.1 10.0.0.2 esp 4096 -E null;", 0, "No entry.\n", ""),
        (["-c"], "add 10.0.0.1 10.0.0.2 esp 4096 -lh 100 -E null;", 0, "Invalid argument.\n", ""),
        (["-c"], "add 10.0.0.1 10.0.0.2 esp 255 -E null;", 0, "Invalid argument.\n", ""),
        (["-c"], "add 10.0.0.1 10.0.0.2 ipcomp 0x10000 -C deflate;", 0, "Invalid argument.\n", ""),
        (["-c"], "dump; spddump;", 0, "No SAD entries.\nNo SPD entries.\n", ""),
        (["-n", "-c"], ADD, 0, "", ""),
        (["-D"], "", 0, "No SAD entries.\n", ""),
        (["-f", broken], "", 1, "", "syntax error"),
        (["-D"], "", 0, "No SAD entries.\n", ""),
        (["-c"], ADD + ADD, 0, "File exists.\n", ""),
        (["-D"], "", 0, SHOWN, ""),
        (["-Da"], "", 0, SHOWN, ""),
        (["-Dp"], "", 0, SHOWN.replace("10.0.0.1 10.0.0.2 ", "10.0.0.1[0] 10.0.0.2[0] "), ""),
        (["-c"], "get 10.0.0.1 10.0.0.2 esp 4096; bye; flush;", 0, SHOWN, ""),
        (["-c"], "dump ah;", 0, "No SAD entries.\n", ""),
        (["-f", twice], "", 0, "", f"setkey: {twice},2: File exists\nsetkey: {twice},5: File exists\n"),
        (["-DP"], "", 0, SHOWN_POLICY, ""),
        (["-DPp"], "", 0, SHOWN_POLICY.replace("10.0.0.1-10.0.0.2", "10.0.0.1[0]-10.0.0.2[0]"), ""),
        (["--restore", saved], "", 1, "", f"setkey: {saved}: esp SPI 0x00001000 of 10.0.0.1 10.0.0.2: File exists\n"),
        (["-F"], "", 0, "", ""),
        (["--restore", saved], "", 0, "", ""),
        (["-D"], "", 0, SHOWN, ""),
        (["-FP"], "", 0, "", ""),
        (["-F"], "", 0, "", ""),
        (["-kD"], "", 0, "warning: -r and -k options are not supported in this environment\nNo SAD entries.\n", ""),
    ]
    for arguments, script, status, out, err in table:
        done = run("ip", "netns", "exec", node.ns, BIN / "setkey", *arguments, check=False, input=script, env=node.environment())
        same_err = done.stderr == err or (err == "syntax error" and err in done.stderr)
        words = " ".join(str(a) for a in arguments) + (f" <<< '{script.strip()[:60]}'" if script else "")
        check((done.returncode, plain(done.stdout)) == (status, out) and same_err, f"setkey {words}",
              f"{done.returncode}\n{plain(done.stdout)}---\n{done.stderr}")


def monitor(node):
    say("setkey -x shows what others do")
    watching = node.popen("timeout", "60", BIN / "setkey", "-x", stdout=subprocess.PIPE, text=True, env=node.environment())
    watching.stdout.readline()  # its own toggle: from here on it hears of all
    node.setkey(ADD)
    node.setkey("flush;")
    lines = []
    while not lines or (lines[-1] and "type=9 " not in lines[-1]):
        lines.append(watching.stdout.readline())
    watching.send_signal(signal.SIGINT)
    watching.wait()
    check(any("sadb_msg{ version=2 type=3 errno=0 satype=3" in line for line in lines), "the ADD and the FLUSH", "".join(lines))
    check("0011223344556677" not in "".join(lines).replace(" ", ""), "without the keys", "".join(lines))


def not_kept(node):
    """Messages that the daemon did not keep for a listener who does not read."""
    lines = json.loads(node.testudo("stats", "--json"))["pfkey"]["lines"]
    return next(line["value"] for line in lines if line["name"] == "in_nomem")


def slow_reader(node):
    say("a dump that is read slowly while others add")
    count = int(os.environ.get("TESTUDO_SLOW_DUMP", "20000"))
    many = "".join(f"add 10.1.{n >> 8}.{n & 255} 10.200.0.1 esp {0x10000 + n} -E null;\n" for n in range(count))
    more = "".join(f"add 10.2.{n >> 8}.{n & 255} 10.200.0.1 esp {0x90000 + n} -E null;\n" for n in range(count // 4))
    run("ip", "netns", "exec", node.ns, BIN / "setkey", "-f", "-", input=many, env=node.environment())
    reader = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    reader.connect(str(node.run_dir / "pfkey.sock"))
    reader.settimeout(20)
    reader.send(struct.pack("=BBBBHHII", 2, 10, 0, 0, 2, 0, 1, 4711))
    spis = set()

    def read(messages):
        for _ in range(messages):
            message = reader.recv(65536)
            while message[1] != 10:  # told to all, between the messages of no dump but behind it
                message = reader.recv(65536)
            spis.add(struct.unpack_from("!I", message, 20)[0])
            read.sequence = struct.unpack_from("=I", message, 8)[0]

    read(count // 2)
    before = not_kept(node)
    run("ip", "netns", "exec", node.ns, BIN / "setkey", "-f", "-", input=more, env=node.environment())
    run("ip", "netns", "exec", node.ns, BIN / "setkey", "-f", "-", input=more.replace("add ", "delete ").replace(" -E null", ""),
        env=node.environment())
    lost = not_kept(node) - before
    read(count - count // 2)
    check(read.sequence == 0, "it ends with sequence 0", read.sequence)
    check(spis == {0x10000 + n for n in range(count)}, f"it shows each of the {count} SAs of its beginning once", len(spis))
    told = count // 4 * 2
    check(told - lost <= 4096 + 1024, f"of {told} messages about others the daemon has kept no more than its limit", lost)
    check(lost < told, "but not none", lost)
    reader.close()


def main():
    with Lab() as lab:
        node = lab.node("one")
        node.start_testudod()
        every_form(node)
        full_disk(node)
        monitor(node)
        slow_reader(node)
        check(node.stop_testudod() == 0, "the daemon ends well")


if __name__ == "__main__":
    main()
