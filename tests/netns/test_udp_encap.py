#!/usr/bin/env python3
"""Sockets with UDP_ENCAP (by libtestudo-preload.so): testudod takes the ESP out of them, and nothing out of others.

    a 10.9.0.1 ──────────── wire ──────────── 10.9.0.2 b
    testudod, a program                       testudod, programs
"""
import json
import re
import signal
import subprocess
import sys

from lib import BIN, Lab, check, until
from sockets import KEY, Program, skip_unless_built

def user(number):
    return ("setpriv", "--reuid", number, "--regid", number, "--clear-groups")


NOBODY = user("65534")
ENCAP = "sockets['{}'].setsockopt(17, 100, {})"
SHOW = "sockets['{}'].getsockopt(17, 100)"
SAS = """flush; spdflush;
add 10.9.0.1 [{p}] 10.9.0.2 [{p}] esp-udp 2001 -m tunnel -E rijndael-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 {key};
add 10.9.0.2 [{p}] 10.9.0.1 [{p}] esp-udp 2002 -m tunnel -E rijndael-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 {key};
spdadd 10.9.0.1 10.9.0.2 icmp -P {there} ipsec esp/tunnel/10.9.0.1-10.9.0.2/require;
spdadd 10.9.0.2 10.9.0.1 icmp -P {back} ipsec esp/tunnel/10.9.0.2-10.9.0.1/require;
"""


def steering(node):
    return node.exec("nft", "list", "table", "inet", "testudo_testudo0_udp", check=False).stdout


def steered(node):
    """The ports that rules lead from (those they lead to are the kernel's choice, and may contain any digits)."""
    return {int(port) for port in re.findall(r"udp dport (\d+) (?!counter)", steering(node))}


def ports(a, b, port):
    a.setkey(SAS.format(p=port, key=KEY, there="out", back="in"))
    b.setkey(SAS.format(p=port, key=KEY, there="in", back="out"))


def sent(here, port, data):
    return here.do(f"sockets['s'].sendto({data}, ('10.9.0.2', {port}))")


def taken_out(wire, a, b):
    """A key daemon of its own port: ESP goes to the engine, IKE to the program, on one socket."""
    ports(a, b, 5500)
    with Program(a) as here, Program(b) as there:
        for p, address in ((here, "10.9.0.1"), (there, "0.0.0.0")):
            p.do("make('s')"), p.do(f"sockets['s'].bind(('{address}', 5500))")
        check(there.do(SHOW.format("s")) == 0, "nothing was asked for: getsockopt says 0")
        a.ping("10.9.0.2", answered=False)
        check(there.do("len(sockets['s'].recv(2048))") > 100, "without UDP_ENCAP the ESP is the program's")
        there.do("sockets['s'].close()"), there.do("make('s')"), there.do("sockets['s'].bind(('0.0.0.0', 5500))")
        for p in (here, there):
            check(p.do(ENCAP.format("s", 2)) is None, "setsockopt(UDP_ENCAP, UDP_ENCAP_ESPINUDP)")
            check(p.do(SHOW.format("s")) == 2, "getsockopt gives it back")
        with wire.capture() as seen:
            a.ping("10.9.0.2")
        seen.only("IPv4 UDP")
        check(there.do("receive('s', 0.3)") == "nothing", "none of it reached the program")
        sent(here, 5500, r"b'\0\0\0\0ike'")
        check(there.do("receive('s')") == "\0\0\0\0ike", "what begins with the non-ESP marker is the program's")
        sent(here, 5500, r"b'\xff'")
        check(there.do("receive('s', 0.3)") == "nothing", "a keepalive is nobody's, as in a kernel")
        sent(here, 5500, "b'x'")
        check(there.do("receive('s')") == "x", "any other single byte is the program's")
        check("udp_encap espinudp\n" in b.exec(BIN / "testudo", "--run-dir", b.run_dir, "status", "--sockets").stdout,
              "status --sockets says so")


def only_its_own(a, b):
    """The neighbour has another port or another address; nothing of his is taken."""
    b.ip("address", "add", "10.9.0.3/24", "dev", b.lab_device)
    with Program(a) as here, Program(b, wrap=NOBODY) as there, Program(b) as other:
        here.do("make('s')")
        there.do("make('s')"), there.do("sockets['s'].bind(('10.9.0.2', 5600))")
        for name, at in (("port", "('10.9.0.2', 5601)"), ("address", "('10.9.0.3', 5600)")):
            other.do(f"make('{name}')"), other.do(f"sockets['{name}'].bind({at})")
        check(there.do(ENCAP.format("s", 2)) is None, "anybody may, for his own socket")
        sent(here, 5600, "b'looks like ESP'")
        check(there.do("receive('s', 0.3)") == "nothing", "his own socket's datagrams are ESP now")
        sent(here, 5601, "b'looks like ESP'")
        check(other.do("receive('port')") == "looks like ESP", "another port's are not")
        here.do("sockets['s'].sendto(b'looks like ESP', ('10.9.0.3', 5600))")
        check(other.do("receive('address')") == "looks like ESP", "nor those of the same port of another address")
        check(there.do(ENCAP.format("s", 0)) is None and there.do(SHOW.format("s")) == 0, "0 gives it up")
        sent(here, 5600, "b'looks like ESP'")
        check(there.do("receive('s')") == "looks like ESP", "and the datagrams are the program's again")
        check(there.do(ENCAP.format("s", 1)) is None, "UDP_ENCAP_ESPINUDP_NON_IKE")
        sent(here, 5600, r"b'\0' * 8 + b'esp of old'"), sent(here, 5600, r"b'cookie of IKE'")
        check(there.do("receive('s')") == "cookie of IKE", "takes out what follows 64 zero bits, and leaves the rest")
        there.do("sockets['s'].close()")
        check(until(lambda: 5600 not in steered(b)), "a closed socket leaves no rules", steering(b))


def encapsulated(program, first, count):
    """What setting UDP_ENCAP on so many sockets, each of a port of its own, comes to."""
    outcomes = []
    for port in range(first, first + count):
        program.do(f"make('u{port}')"), program.do(f"sockets['u{port}'].bind(('0.0.0.0', {port}))")
        outcomes.append(program.do(ENCAP.format(f"u{port}", 2)))
    return outcomes


def refused(b):
    with Program(b, wrap=NOBODY) as p:
        p.do("make('u')"), p.do("make('t', 4, 'tcp')")
        check(p.do(ENCAP.format("t", 2)) == "ENOPROTOOPT", "a TCP socket: ENOPROTOOPT")
        check(p.do("sockets['u'].setsockopt(17, 100, b'ab')") == "EINVAL", "a value cut short: EINVAL")
        check(p.do(ENCAP.format("u", 77)) == "ENOPROTOOPT", "a value that nobody knows: the kernel's ENOPROTOOPT")
        check(p.do("sockets['u'].getsockopt(17, 100, 2)") == b"\0\0", "a short buffer gets what fits")
        check(encapsulated(p, 5700, 3) == [None, None, "ENOBUFS"], "more ports than one user may have: ENOBUFS")
        check(p.do(SHOW.format("u5702")) == 0, "and that socket is as before")
        check(until(lambda: "port 5702 is refused: a user without privilege has 2 such ports" in b.log_text()), "the log says why", b.log_text())
        with Program(b, wrap=user("65533")) as q, Program(b, wrap=user("65532")) as r, Program(b, wrap=user("65531")) as s:
            others = [encapsulated(each, 5710 + 10 * n, 2) for n, each in enumerate((q, r, s))]
            check(others == [[None, None]] * 3, "other users have theirs", others)
            with Program(b, wrap=user("65530")) as t, Program(b) as root:
                check(encapsulated(t, 5750, 1) == ["ENOBUFS"], "all that the unprivileged may have together: ENOBUFS")
                check(encapsulated(root, 5760, 1) == [None], "root has one all the same")
    check(until(lambda: not any(5700 <= port < 5800 for port in steered(b))), "all are free when the program ends", steering(b))


def nothing_in_clear(a, b):
    """UDP_ENCAP is no way round an inbound policy."""
    b.setkey("spdadd 0.0.0.0/0 10.9.0.2 udp -P in ipsec esp/transport//require;")
    with Program(a) as here, Program(b, wrap=NOBODY) as there:
        here.do("make('s')"), there.do("make('s')"), there.do("sockets['s'].bind(('0.0.0.0', 5800))")
        there.do(ENCAP.format("s", 2))
        for data in (r"b'\0\0\0\0clear'", "b'clear as well'", "b'abc'"):
            sent(here, 5800, data)
        check(there.do("receive('s', 0.5)") == "nothing", "nothing in clear reaches it")
        there.do("make('late')"), there.do(ENCAP.format("late", 2)), there.do("sockets['late'].bind(('0.0.0.0', 5801))")
        sent(here, 5801, "b'clear as well'")
        check(there.do("receive('late', 0.5)") == "nothing", "nor one that was bound afterwards")
    b.setkey("spddelete 0.0.0.0/0 10.9.0.2 udp -P in;")


def in_another_root(wire, a, b):
    """As of a key daemon that has dropped its privileges, and sees no run directory any more."""
    empty = a.lab.directory / "empty"
    empty.mkdir()
    ports(a, b, 5850)
    with Program(a) as here, Program(b) as there:
        for p, as_nobody in ((here, True), (there, False)):
            p.do("make('s')"), p.do("sockets['s'].bind(('0.0.0.0', 5850))")
            p.do(f"os.chroot('{empty}')"), p.do("os.chdir('/')")
            check(p.do("set_policy('s', 'in bypass')") == "EPERM", "root in it has no privilege")
            if as_nobody:
                p.do("os.setuid(65534)")
            check(p.do(ENCAP.format("s", 2)) is None and p.do(SHOW.format("s")) == 2, "setsockopt(UDP_ENCAP) and getsockopt in another root")
        with wire.capture() as seen:
            a.ping("10.9.0.2")
        seen.only("IPv4 UDP")
        check(there.do("receive('s', 0.3)") == "nothing", "the ESP is testudod's")


IMPOSTOR = """import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind('\\0%s/socket.sock'); s.listen(); print('ready', flush=True)
c, _ = s.accept(); print(len(c.recv(100)), flush=True)
"""


def not_to_an_impostor(b):
    """While there is no testudod, anybody can have its name."""
    b.stop_testudod()
    other = b.popen(*NOBODY, sys.executable, "-c", IMPOSTOR % b.run_dir, stdout=subprocess.PIPE, text=True)
    check(other.stdout.readline() == "ready\n", "somebody has the name")
    with Program(b) as p:
        p.do("make('s')")
        check(p.do(ENCAP.format("s", 2)) == "ENOPROTOOPT", "the option is refused")
        check(other.stdout.readline() == "0\n", "and the socket is not handed over")
    other.wait(20)


def late_and_after_a_crash(a, b):
    """Asked for before bind(), as old daemons do; kept when testudod is killed."""
    ports(a, b, 5900)
    with Program(a) as here, Program(b) as there:
        for p in (here, there):
            p.do("make('s')"), p.do(ENCAP.format("s", 2)), p.do("sockets['s'].bind(('0.0.0.0', 5900))")
        for node in (a, b):
            check(until(lambda n=node: 5900 in steered(n)), "the port is found")
        a.ping("10.9.0.2")
        b.stop_testudod(signal.SIGKILL)
        b.start_testudod()
        ports(a, b, 5900)
        check(there.do(SHOW.format("s")) == 2, "after a crash the socket has it still")
        check(until(lambda: 5900 in steered(b)), "the port is found again")
        answered = lambda: a.exec("ping", "-c", 1, "-W", 1, "10.9.0.2", check=False).returncode == 0
        check(until(answered), "and once the policies have been still for a moment, ESP is taken out")
        check(there.do("receive('s', 0.3)") == "nothing", "without the program seeing any of it")


def main():
    skip_unless_built()
    with Lab() as lab:
        a, b = lab.node("a"), lab.node("b")
        wire = lab.link(a, "10.9.0.1/24", b, "10.9.0.2/24")
        b.lab_device = b.exec("sh", "-c", "ip -o route show 10.9.0.0/24 | sed 's/.* dev \\([^ ]*\\).*/\\1/'").stdout.strip()
        for node in (a, b):
            node.start_testudod()
        lab.directory.chmod(0o711)
        taken_out(wire, a, b)
        only_its_own(a, b)
        refused(b)
        nothing_in_clear(a, b)
        in_another_root(wire, a, b)
        late_and_after_a_crash(a, b)
        not_to_an_impostor(b)


if __name__ == "__main__":
    main()
