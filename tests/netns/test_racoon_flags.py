#!/usr/bin/env python3
"""Every flag of racoon(8): what a racoon that runs with it says and where it listens, and with what it does not start."""
import re
import subprocess

from lib import BIN, SOURCE, Lab, check, run, say, until
from racoon import Process, racoon_conf

CONF = racoon_conf("exchange_mode main; nat_traversal on; dpd_delay 20;")
ADDRESSES = ("127.0.0.1", "10.2.3.4", "::1", "fd00::4", "fe80::4%to-right")
V4, V6 = ADDRESSES[:2], ADDRESSES[2:]
GARBAGE = "DEBUG: message from 127.0.0.1["


def sockets(addresses, isakmp=500, natt=4500):
    return [f"INFO: {address}[{port}] used {use}" for address in addresses for port, use in ((isakmp, "as isakmp port"), (natt, "for NAT-T"))]


# Arguments, what the log has then, and what it has not.
RUNS = [
    ((), ["Foreground mode.", "INFO: racoon (Testudo) ", "INFO: Reading configuration from ", *sockets(ADDRESSES)], [GARBAGE, "dpd_delay", ".cc:"]),
    (("-4",), sockets(V4), sockets(V6)),
    (("-6",), sockets(V6), sockets(V4)),
    (("-4", "-6"), sockets(ADDRESSES), []),
    (("-p", "5001"), sockets(ADDRESSES, isakmp=5001), ["[500] used"]),
    (("-P", "5002"), sockets(ADDRESSES, natt=5002), ["[4500] used"]),
    (("-C",), ["INFO: remote anonymous {", "dpd_delay 20;"], []),
    (("-d",), [GARBAGE], [".cc:"]),
    (("-v",), [GARBAGE], [".cc:"]),
    (("-dd",), [GARBAGE], []),
    (("-L",), sockets(ADDRESSES), [GARBAGE, ".cc:"]),
]

# Arguments, the status, and what is said; racoon does not run.  FILE is a good configuration.
ENDS = [
    ("-V", 0, "Compiled with:\n- IPv6 support\n"),
    ("--version", 0, "racoon (Testudo) "),
    ("-t -f FILE", 0, "syntax is ok"),
    ("-t -f /nonexistent", 1, "/nonexistent"),
    ("-f /nonexistent", 1, "fatal parse failure"),
    ("-F -f /nonexistent", 1, "failed to open file /nonexistent"),
    ("-F -f FILE -l /nonexistent/log", 1, "cannot write the log /nonexistent/log"),
    ("-F -f FILE --run-dir /nonexistent", 1, "/nonexistent/pfkey.sock"),
    ("-F -f FILE -B", 1, "racoon: -B: SAs, and with them keys, are not kept in a file"),
    ("-F -f FILE -Z", 1, "racoon: -Z: ports are not shared"),
    ("-F -f FILE stray", 1, "not expected: stray"),
    ("-F -f FILE -x", 1, "not expected: -x"),
    ("-F -f FILE -p 65536", 1, "-p = 65536"),
    ("-F -f FILE -P isakmp", 1, "-P = isakmp"),
    *((flag, 1, f"{flag}: 1 required") for flag in ("-f", "-l", "-p", "-P", "--run-dir")),
]


def garbage_to(node, port):
    """What no IKE message is, and every racoon drops: of that a line of the level DEBUG."""
    node.exec("python3", "-c", f"import socket\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x' * 40, ('127.0.0.1', {port}))")


def runs(node, arguments, says, says_not):
    say(f"-- racoon {' '.join(arguments)}")
    # The last socket in the order of addresses is there, then all are.
    last = f"{V4[0] if '-4' in arguments and '-6' not in arguments else V6[-1]}[{arguments[1] if '-P' in arguments else 4500}] used for NAT-T"
    daemon = Process(node, CONF, ready=last, arguments=arguments)
    check(daemon.started, "it runs", daemon.text())
    garbage_to(node, arguments[1] if "-p" in arguments else 500)
    for words in says:
        daemon.says(words, words)
    found = [words for words in says_not if words in daemon.text()]
    check(not found, "and nothing that belongs to another flag", f"{found}\n{daemon.text()}")
    daemon.process.terminate()
    check(daemon.process.wait(20) == 0, "SIGTERM ends it with status 0", daemon.text())


def logs_to_a_file(node):
    say("-- racoon -l FILE, in the foreground too")
    file = node.run_dir / "flags.log"
    daemon = Process(node, CONF, arguments=("-l", file))
    check(daemon.started, "it runs", daemon.text())
    check(until(lambda: "used as isakmp port" in file.read_text()) and "Foreground mode." not in file.read_text(), "the file has the log", daemon.text())
    daemon.process.terminate()
    daemon.process.wait(20)
    lines = [line for line in daemon.text().splitlines() if line != "Foreground mode."]
    check(lines == file.read_text().splitlines() and "shutdown" in lines[-1], "line by line that of standard output", daemon.text())


def ends(node, words, status, said):
    conf = node.run_dir / "racoon.conf"
    done = node.exec(BIN / "racoon", *words.replace("FILE", str(conf)).split(), check=False)
    check(done.returncode == status and said in done.stdout + done.stderr, f"racoon {words}: status {status}, {said.strip()}", done.stdout + done.stderr)


def is_for_root(node):
    done = subprocess.run([BIN / "racoon", "-F", "-f", "/dev/null"], capture_output=True, text=True, user=65534, group=65534, extra_groups=[], cwd="/",
                          check=False)
    check(done.returncode == 1 and done.stderr == "must be root to invoke this program.\n", "nobody may not start it", done.stdout + done.stderr)


def knows_the_page():
    page = (SOURCE / "docs/man/racoon.8").read_text()
    flags = set()
    for part in (part for line in re.findall(r"^\.It (Fl .*)$", page, re.M) for part in line.split(" , ")):
        dashes = part.split().count("Fl")
        flags.add("-" * dashes + part.split()[dashes])
    tried = {word for arguments, *_ in RUNS for word in arguments} | {word for words, *_ in ENDS for word in words.split()}
    check(len(flags) > 14 and flags <= tried, "each flag of racoon(8) is tried", f"{sorted(flags - tried)}")
    shown = set(re.findall(r"^  (-\w)\b", run(BIN / "racoon", "--help").stdout, re.M)) - {"-h"}
    check(len(shown) > 13 and shown <= flags, "and --help has none that the page lacks", f"{sorted(shown - flags)}")


def main():
    with Lab() as lab:
        left, right = lab.node("left"), lab.node("right")
        lab.link(left, "10.2.3.4/24 fd00::4/64 fe80::4/64", right, "10.2.3.5/24")
        left.start_testudod()
        for row in RUNS:
            runs(left, *row)
        logs_to_a_file(left)
        say("-- with these it does not start")
        for row in ENDS:
            ends(left, *row)
        is_for_root(left)
    knows_the_page()


if __name__ == "__main__":
    main()
