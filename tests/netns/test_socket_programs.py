#!/usr/bin/env python3
"""Programs that others wrote, under libtestudo-preload.so, and a C program at the edges of memory."""
import collections
import shutil
import subprocess

from lib import SOURCE, Lab, check, run, say, until
from sockets import PRELOAD, Program, skip_unless_built, two_hosts


def system_calls(node, program, environment):
    """How many of each kind the program makes once it is in main()."""
    done = node.exec("strace", "-f", "-o", "/dev/stderr", "env", *environment, program, "count", check=False)
    lines = done.stderr.splitlines()
    first = next(i for i, line in enumerate(lines) if "socket(" in line)
    return collections.Counter(line.split(maxsplit=1)[1].split("(")[0] for line in lines[first:] if "(" in line)


def full_speed(node, program):
    if not shutil.which("strace"):
        return say("  without strace the system calls are not counted")
    bare = system_calls(node, program, ())
    loaded = system_calls(node, program, (f"LD_PRELOAD={PRELOAD}",))
    check(bare["socket"] == 100 and bare["setsockopt"] == 200, "a program without policies makes its system calls", bare)
    check(loaded == bare, "and not one more with the library", loaded - bare)


def by_program(lab, wire, a, b):
    """ping, curl and nc with a policy that somebody else gave their sockets' host."""
    a.setkey("spdadd 10.9.0.1 10.9.0.2 any -P out ipsec esp/transport//require; spdadd 10.9.0.2 10.9.0.1 any -P in ipsec esp/transport//require;")
    b.setkey("spdadd 10.9.0.1 10.9.0.2 any -P in ipsec esp/transport//require; spdadd 10.9.0.2 10.9.0.1 any -P out ipsec esp/transport//require;")
    (lab.directory / "page").write_text("x" * 100000)
    server = b.popen("python3", "-m", "http.server", "7200", "--bind", "10.9.0.2", "--directory", lab.directory, stdout=subprocess.DEVNULL,
                     stderr=subprocess.DEVNULL)
    environment = {**a.environment(), "LD_PRELOAD": str(PRELOAD)}
    listening = lambda: "7200" in b.exec("cat", "/proc/net/tcp").stdout or ":1C20" in b.exec("cat", "/proc/net/tcp").stdout
    check(until(listening), "a web server is there")
    with wire.capture() as seen:
        for name, command, words in (("ping", ("ping", "-c", "2", "-i", "0.1", "-W", "10", "10.9.0.2"), "2 received"),
                                     ("curl", ("curl", "-sS", "-m", "20", "-o", "/dev/null", "-w", "%{size_download} bytes", "http://10.9.0.2:7200/page"), "100000 bytes"),
                                     ("nc", ("nc", "-zv", "-w", "10", "10.9.0.2", "7200"), "")):
            if not shutil.which(command[0]):
                say(f"  without {name}, which is not installed")
                continue
            done = a.exec(*command, check=False, env=environment)
            check(done.returncode == 0 and words in done.stdout, f"{name} works under the preload", done.stdout + done.stderr)
    seen.only("IPv4 ESP")
    server.kill()
    server.wait()
    for node in (a, b):
        node.setkey("spdflush;")


def as_a_socket(wire, a, b):
    """nc, whose standard output is a socket with a policy: what an inetd with IPsec starts."""
    with Program(a) as here, Program(b) as there:
        there.do("make('peer')"), there.do("sockets['peer'].bind(('0.0.0.0', 7210))")
        here.do("make('s')"), here.do("set_policy('s', 'out ipsec esp/transport//require')"), here.do("sockets['s'].connect(('10.9.0.2', 7210))")
        with wire.capture() as seen:
            here.do("subprocess.run(['sh', '-c', 'printf hello | cat'], stdout=sockets['s'].fileno()).returncode")
            check(there.do("receive('peer')") == "hello", "a program that was given such a socket writes to it")
        seen.only("IPv4 ESP")


def hidden(a):
    """Policies of sockets are not in the SPD that PF_KEY shows (docs/adr/0016)."""
    with Program(a) as here:
        here.do("make('s')"), here.do("set_policy('s', 'out ipsec esp/transport//require')")
        check(a.setkey("spddump;").stdout == "No SPD entries.\n", "SPDDUMP does not show them", a.setkey("spddump;").stdout)
        a.setkey("spdflush;")
        check(here.do("get_policy('s', 'out') == policy('out ipsec esp/transport//require').hex() + ' clean'") is True, "and SPDFLUSH leaves them")


def main():
    skip_unless_built()
    with Lab() as lab:
        program = lab.directory / "edges"
        run("gcc", "-std=c99", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", SOURCE / "tests/preload/edges.c", "-o", program)
        wire, a, b = two_hosts(lab)
        done = a.exec(program, check=False, env={**a.environment(), "LD_PRELOAD": str(PRELOAD)})
        check(done.returncode == 0 and done.stdout == "done\n", "buffers of every length, reserved bits, families; poll, select, epoll", done.stdout)
        full_speed(a, program)
        by_program(lab, wire, a, b)
        as_a_socket(wire, a, b)
        hidden(a)


if __name__ == "__main__":
    main()
