#!/usr/bin/env python3
"""racoon's two processes (docs/adr/0021): what the one that speaks to peers is, what its memory does not hold, what it may not
call, and that neither outlives the other.
"""
import contextlib
import ctypes
import os
import pathlib
import platform
import shutil
import signal
import subprocess

from faq_racoon import FaqRacoon, faq_hosts
from lib import BIN, Lab, check, run, say, until
from networks import LEFT, RIGHT, first_ping
from racoon import by_certificate, facts, memory, stop_all

KEY = "correct-horse-battery-staple-4711"


def has_ended(pid):
    try:
        return facts(pid)["State"][0] == "Z"
    except OSError:  # it may go while it is looked at
        return True


def ends(pid):
    return until(lambda: has_ended(pid))


def keys_made(left, daemons):
    first_ping(left, RIGHT)
    for daemon in daemons:
        daemon.says("IPsec-SA established", "phase 2 is established")
        daemon.has_few_privileges()


def holds_no_pre_shared_key(left, right):
    say("-- a pre-shared key is nowhere in the memory of the process that speaks to peers")
    daemons = [FaqRacoon(left, RIGHT, key=KEY), FaqRacoon(right, LEFT, key=KEY)]
    keys_made(left, daemons)
    for daemon in daemons:
        seen = memory(daemon.children()[0])
        check(b"racoon.conf" in seen, "its memory can be read", str(len(seen)))
        check(KEY.encode() not in seen and KEY[8:].encode() not in seen, "the key is not there", daemon.text())
    say("-- SIGHUP, at either process, and nothing is lost")
    for pid in (daemons[0].process.pid, daemons[0].children()[0]):
        daemons[0].read_again(pid)
    left.ping(RIGHT)
    say("-- an address that comes later gets a socket, whoever opens it")
    left.exec("ip", "addr", "add", "10.2.3.44/24", "dev", device_of(left))
    daemons[0].says("10.2.3.44[500] used as isakmp port", "racoon listens there too")
    stop_all(daemons)


def device_of(node):
    return next(line.split()[1].rstrip(":") for line in node.exec("ip", "-o", "addr").stdout.splitlines() if LEFT in line)


def numbers_of(key):
    """The secret numbers of an RSA key, as bytes of either order."""
    text = run("openssl", "rsa", "-in", key, "-noout", "-text").stdout
    for name in ("privateExponent", "prime1", "prime2", "exponent1"):
        lines = text.split(name + ":", 1)[1].lstrip("\n").splitlines()
        digits = ""
        for line in lines:
            if not line.startswith("    "):
                break
            digits += line.strip()
        number = bytes.fromhex(digits.replace(":", "")).lstrip(b"\0")
        yield name, number
        yield name, number[::-1]


def certificates(directory):
    for name in ("ca", "left", "right"):
        signed = [] if name == "ca" else ["-CA", directory / "ca.pem", "-CAkey", directory / "ca.key"]
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.pem",
            "-subj", f"/O=Testudo/CN={name}", "-days", "2", *signed)
        os.chmod(directory / f"{name}.key", 0o600)
    # As some have it: the key beside its certificate.
    together = (directory / "left.key").read_text() + (directory / "left.pem").read_text()
    for name in ("left.pem", "left.key"):
        (directory / name).write_text(together)


def holds_no_private_key(left, right):
    if not shutil.which("openssl"):
        return say("-- certificates: left out, there is no openssl(1)")
    say("-- a private key is in the memory of the other process alone")
    certificates(left.run_dir)
    daemons = []
    for node, peer in ((left, RIGHT), (right, LEFT)):
        more = by_certificate(node.name) + 'peers_identifier asn1dn "O=Testudo, CN=*"; verify_identifier on;'
        daemons.append(FaqRacoon(node, peer, method="rsasig", top=f'path certificate "{left.run_dir}";', more=more))
    keys_made(left, daemons)
    digest = "openssl x509 -noout -fingerprint -sha256"
    shown = left.shell(f"racoonctl gc inet {LEFT} {RIGHT} | {digest} -inform DER")
    check(shown and shown == left.shell(f"{digest} -in {left.run_dir}/right.pem"), "racoonctl get-cert: the peer's certificate", shown)
    for daemon in daemons:
        numbers = list(numbers_of(left.run_dir / f"{daemon.node.name}.key"))
        own, childs = memory(daemon.process.pid), memory(daemon.children()[0])
        check({name for name, number in numbers if number in own} == {name for name, _ in numbers}, "the privileged process has it")
        check(not [name for name, number in numbers if number in childs] and b"PRIVATE KEY" not in childs, "the other has nothing of it", daemon.text())
        daemon.stop()


def call(pid, number):
    """Makes a process that waits for events call the kernel for something else, where it would go on waiting."""
    attach, getregs, setregs, detach = 16, 12, 13, 17
    waiting = {232, 281}  # epoll_wait, epoll_pwait
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    registers = (ctypes.c_ulonglong * 27)()

    def sent():
        until(lambda: pathlib.Path(f"/proc/{pid}/syscall").read_text(encoding="ascii").split()[0] in map(str, waiting))
        if libc.ptrace(attach, pid, None, None) != 0:
            return False
        os.waitpid(pid, 0x40000000)  # __WALL
        libc.ptrace(getregs, pid, None, registers)
        found = registers[15] in waiting  # orig_rax: it was in there when it was stopped
        if found:  # rax, orig_rax, and rip, at the same instruction again
            registers[10], registers[15], registers[16] = number, (1 << 64) - 1, registers[16] - 2
            libc.ptrace(setregs, pid, None, registers)
        libc.ptrace(detach, pid, None, None)
        return found

    check(until(sent), "it is made to call")


def may_not_call(left):
    if platform.machine() != "x86_64":
        return say("-- forbidden system calls: left out on this machine")
    for name, number in (("execve", 59), ("ptrace", 101), ("io_uring_setup", 425)):
        say(f"-- {name}() ends both processes")
        daemon = FaqRacoon(left, RIGHT)
        daemon.says("unprivileged process running", "it is up")
        child = daemon.children()[0]
        call(child, number)
        check(until(lambda: daemon.process.poll() is not None) and daemon.process.returncode == 1, "racoon ends with status 1", daemon.text())
        daemon.says(f"called system call {number}, which it has no need of; racoon ends", "the log says which call")
        check(ends(child), "the other process has ended too", daemon.text())


def die_together(left):
    say("-- neither process outlives the other")
    daemon = FaqRacoon(left, RIGHT)
    daemon.says("unprivileged process running", "it is up")
    child = daemon.children()[0]
    os.kill(child, signal.SIGKILL)
    check(daemon.process.wait(20) == 1, "killed: racoon ends with status 1", daemon.text())
    daemon.says("was ended by signal 9; racoon ends", "and says so")
    daemon = FaqRacoon(left, RIGHT)
    daemon.says("unprivileged process running", "it is up")
    child = daemon.children()[0]
    daemon.process.kill()
    daemon.process.wait(20)
    check(ends(child), "the privileged one is killed: the other ends")
    check(not (left.run_dir / "racoon.pid").exists(), "and leaves nothing that was not there")


def ends_well_when_told_often(left):
    say("-- both processes are told to end, again and again")
    for _ in range(5):
        daemon = FaqRacoon(left, RIGHT)
        daemon.says("unprivileged process running", "it is up")
        pids = [daemon.process.pid, daemon.children()[0]]
        while daemon.process.poll() is None:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
        check(daemon.process.wait(20) == 0, "racoon ends with status 0", daemon.text())


def obeys_privsep(left):
    say("-- privsep { user; group; chroot; }")
    empty = left.run_dir / "empty"
    empty.mkdir(exist_ok=True)
    daemon = FaqRacoon(left, RIGHT, top=f'privsep {{ user 4321; group 1234; chroot "{empty}"; }}')
    daemon.says("unprivileged process running", "it is up")
    its = facts(daemon.children()[0])
    check((its["Uid"], its["Gid"], its["Groups"]) == (["4321"] * 4, ["1234"] * 4, ["1234"]), "user and group", str(its))
    check(os.readlink(f"/proc/{daemon.children()[0]}/root") == str(empty.resolve()), "its root is that directory")
    conf = left.run_dir / "racoon.conf"
    good = conf.read_text()
    conf.write_text(good.replace("user 4321", "user 4322"))
    os.kill(daemon.process.pid, signal.SIGHUP)
    daemon.says("privsep has changed: that needs a restart", "a change waits for a restart")
    daemon.stop()
    for wrong, words in (('user "tdo-no-such"', 'unknown user "tdo-no-such"'), ('group "tdo-no-such"', 'unknown group "tdo-no-such"'),
                         ('chroot "/nowhere/at/all"', "chroot /nowhere/at/all: No such file")):
        conf.write_text(good.replace("user 4321; group 1234;", "").replace(f'chroot "{empty}"', wrong))
        done = run("ip", "netns", "exec", left.ns, BIN / "racoon", "-F", "-f", conf, "--run-dir", left.run_dir, check=False)
        check(done.returncode == 1 and words in done.stdout, f"{words}: racoon does not start", done.stdout + done.stderr)
    conf.write_text(good)


def asks_for_buffers_and_says_who_it_is(left):
    say("-- path pidfile; pfkey_buffer")
    named = left.run_dir / "here.pid"
    target = left.run_dir / "untouched"
    target.write_text("not a pid")
    for pid_file, buffer, words in ((named, 4096, None), ("relative.pid", 1, "pfkey_buffer: the system grants"), (named, 0, None)):
        daemon = FaqRacoon(left, RIGHT, top=f'path pidfile "{pid_file}"; pfkey_buffer {buffer};')
        daemon.says("unprivileged process running", "it is up")
        check((left.run_dir / pid_file).read_text() == f"{daemon.process.pid}\n", f"{pid_file} has its pid")
        check(("pfkey_buffer" in daemon.text()) == (words is not None) and (words or "") in daemon.text(), f"{buffer} kB", daemon.text())
        daemon.stop()
        check(not (left.run_dir / pid_file).exists(), "the file goes with it")
    named.symlink_to(target)
    daemon = FaqRacoon(left, RIGHT, top=f'path pidfile "{named}";')
    daemon.says(f"pidfile {named}: Too many levels of symbolic links", "a link is not followed")
    daemon.stop()
    check(target.read_text() == "not a pid", "what it leads to is as it was")
    named.unlink()


def goes_to_the_background(left):
    say("-- in the background: the starter learns how it went")
    conf, log = left.run_dir / "racoon.conf", left.run_dir / "background.log"
    good = conf.read_text()
    command = ["ip", "netns", "exec", left.ns, BIN / "racoon", "-f", conf, "-l", log, "--run-dir", left.run_dir]
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    check(done.returncode == 0 and "unprivileged process running with PID" in log.read_text(), "status 0 when it is up", log.read_text())
    child = int(log.read_text().rsplit("running with PID ", 1)[1].split()[0])
    parent = int(facts(child)["PPid"][0])
    pid_file = left.run_dir / "racoon.pid"
    check(pid_file.read_text() == f"{parent}\n" and pid_file.stat().st_mode & 0o777 == 0o644, "a file says which process has the signals")
    check(os.readlink(f"/proc/{parent}/fd/2") == os.readlink(f"/proc/{child}/fd/2") == "/dev/null", "neither has a terminal")
    os.kill(parent, signal.SIGTERM)
    check(ends(child) and ends(parent), "SIGTERM ends both", log.read_text())
    check(not pid_file.exists(), "and the file is gone")
    conf.write_text(good.replace("exchange_mode", "exchange_mood"))
    done = run(*command, check=False)
    check(done.returncode == 1 and "fatal parse failure" in done.stderr, "status 1 when the configuration is wrong", done.stderr)


def main():
    with Lab() as lab:
        left, right, _ = faq_hosts(lab)
        holds_no_pre_shared_key(left, right)
        holds_no_private_key(left, right)
        may_not_call(left)
        die_together(left)
        ends_well_when_told_often(left)
        obeys_privsep(left)
        goes_to_the_background(left)
        asks_for_buffers_and_says_who_it_is(left)


if __name__ == "__main__":
    main()
