#!/usr/bin/env python3
"""The socket options themselves: what they refuse, what they give back, who may, and how policies outlive or do not outlive others."""
import json
import signal

from lib import BIN, Lab, check, until
from sockets import SAS, Program, skip_unless_built, two_hosts

OUT = "out ipsec esp/transport//require"
def user(number):
    return ("setpriv", "--reuid", str(number), "--regid", str(number), "--clear-groups")


NOBODY = user(65534)


def listed(node, *more):
    """In the node's own network: the kernel shows sockets of that alone."""
    return node.exec(BIN / "testudo", "--run-dir", node.run_dir, "status", "--sockets", *more).stdout


def refusals(a):
    with Program(a) as p:
        p.do("make('u')"), p.do("make('v6', 6)")
        p.do("sockets.update(raw=socket.socket(socket.AF_INET, socket.SOCK_RAW, 1))")
        for words, blob, expected in (
                ("a policy of type discard", "policy('out discard')", "EINVAL"),
                ("a policy of type none", "policy('in none')", "EINVAL"),
                ("a direction alone", "policy('in')", "EINVAL"),
                ("no direction", f"policy('{OUT}')[:6] + b'\\0' + policy('{OUT}')[7:]", "EINVAL"),
                ("a header cut short", f"policy('{OUT}')[:15]", "EINVAL"),
                ("a request cut short", f"policy('{OUT}')[:24]", "EINVAL"),
                ("bytes behind the end", f"policy('{OUT}') + bytes(8)", "EINVAL"),
                ("a buffer of another kind", "bytes(64)", "EINVAL"),
                ("too much", "bytes(70000)", "EINVAL"),
                ("two address families in a tunnel",
                 "policy('out ipsec esp/tunnel/10.9.0.1-10.9.0.2/require')[:48] + b'\\x0a' + policy('out ipsec esp/tunnel/10.9.0.1-10.9.0.2/require')[49:]",
                 "EINVAL")):
            check(p.do(f"sockets['u'].setsockopt(0, 16, {blob})") == expected, f"{words}: {expected}")
        check(p.do(f"sockets['u'].setsockopt(41, 34, policy('{OUT}'))") == "ENOPROTOOPT", "an option of IPv6 on an IPv4 socket: ENOPROTOOPT")
        check(p.do(f"sockets['raw'].setsockopt(0, 16, policy('{OUT}'))") == "ENOPROTOOPT", "a raw socket: ENOPROTOOPT")
        check(p.do("get_policy('u', 'out')") == "0200120003000200" + "00" * 8 + " clean", "nothing of that was kept: entrust")


def given_back(a):
    with Program(a) as p:
        p.do("make('u')"), p.do("make('v6', 6)")
        for name in ("u", "v6"):
            for text in (OUT, "in ipsec ah/transport//unique:7 esp/transport//use", "in bypass", "out entrust",
                         "out ipsec esp/tunnel/fd09::1-fd09::2/unique"):
                check(p.do(f"set_policy('{name}', '{text}')") == "set", f"{text}: set")
                check(p.do(f"get_policy('{name}', '{text.split()[0]}') == policy('{text}').hex() + ' clean'") is True, "the same bytes come back, and no more")
        check(p.do("get_policy('u', 'in', 16)") == p.do("policy('in bypass').hex() + ' clean'"), "a buffer that just fits")
        check(p.do("set_policy('u', 'in ipsec esp/transport//require')") == "set" and p.do("get_policy('u', 'in', 24)") == "EINVAL", "one that does not: EINVAL")
        p.do(f"sockets['u'].setsockopt(0, BSD_IP_POLICY, policy('{OUT}'))")
        check(p.do(f"get_policy('u', 'out') == policy('{OUT}').hex() + ' clean'") is True, "NetBSD's number sets the same policy")
        check(p.do("sockets['u'].setsockopt(0, BSD_IP_POLICY, 1)") == "ENOPROTOOPT", "without a policy behind it, that number is Linux's own option")


def descriptors(wire, a, b):
    """The policy is the socket's, whoever holds it by whatever descriptor."""
    with Program(a) as here, Program(b) as there:
        there.do("make('peer')"), there.do("sockets['peer'].bind(('0.0.0.0', 7021))")
        here.do("make('s')"), here.do(f"set_policy('s', '{OUT}')"), here.do("sockets['s'].connect(('10.9.0.2', 7021))")
        check("10.9.0.2[7021]" in listed(a), "status --sockets shows the socket", listed(a))
        sends = {"dup": "sockets['s'].dup().send(b'dup')", "fork": "send_by_fork('s')", "exec": "send_by_exec('s')", "rights": "send_by_rights('s')"}
        with wire.capture() as seen:
            for how, expression in sends.items():
                here.do(expression)
                check(there.do("receive('peer')") == how, f"{how}: it arrives")
            check(here.do("sockets['s'].send(b'closed'), sockets['s'].close()") is not None and there.do("receive('peer')") == "closed",
                  "what was sent just before the last close arrives")
        seen.only("IPv4 ESP")
        check(listed(a) == "No sockets with a policy of their own.\n", "no socket with a policy is left")


def pf_key(a):
    with Program(a) as p:
        p.do("sockets.update(k=socket.socket(15, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 2))")
        check(p.do("sockets['k'].recv(99)") == "EAGAIN", "socket(PF_KEY, SOCK_RAW | SOCK_NONBLOCK, PF_KEY_V2) does not block")
        check(p.do("os.get_inheritable(os.dup(sockets['k'].fileno()))") is False, "dup works on it")
        p.do("sockets['k'].send(bytes([2, 7, 0, 3, 2, 0, 0, 0]) + bytes(8))")
        check(p.do("select.select([sockets['k']], [], [], 10)[0] != []") is True, "select says that SADB_REGISTER was answered")
        check(p.do("list(sockets['k'].recv(4096)[:4])") == [2, 7, 0, 3], "the answer is SADB_REGISTER's")
        check(p.do("socket.socket(15, socket.SOCK_DGRAM, 2)") in ("EAFNOSUPPORT", "ESOCKTNOSUPPORT"), "any other type is the kernel's to refuse")


def unprivileged(lab, wire, a, b):
    lab.directory.chmod(0o711)
    a.setkey("spdadd 10.9.0.1 10.9.0.2[7032] udp -P out none;")
    with Program(a, wrap=NOBODY) as here, Program(b) as there:
        here.do("make('u')")
        check(here.do("set_policy('u', 'out bypass')") == "EPERM", "bypass without privilege: EPERM")
        check(here.do(f"set_policy('u', '{OUT}')") == "set", "anybody may have his own socket protected")
        check(here.do("socket.socket(15, socket.SOCK_RAW, 2)") == "EPERM", "PF_KEY without privilege: EPERM")
        for port, expected in ((7031, "IPv4 ESP"), (7032, "IPv4 UDP")):
            there.do(f"make('p{port}')"), there.do(f"sockets['p{port}'].bind(('0.0.0.0', {port}))")
            with wire.capture() as seen:
                here.do(f"sockets['u'].sendto(b'x', ('10.9.0.2', {port}))")
                check(there.do(f"receive('p{port}')") == "x", f"it reaches port {port}")
            seen.only(expected)
        check("uid 65534\n\tout ipsec esp/transport//require" in listed(a), "status --sockets shows whose it is")
        rows = json.loads(listed(a, "--json"))
        check([r["privileged"] for r in rows] == [False], "without privilege, where the SPD has the first word")
    a.setkey("spdflush;")


def slots(a):
    with Program(a) as p:
        for n in range(16):
            p.do(f"make('s{n}')")
        outcomes = [p.do(f"set_policy('s{n}', 'out ipsec esp/transport//unique:{100 + n}')") for n in range(16)]
        check(outcomes[-1] == "ENOBUFS" and "ENOBUFS" not in outcomes[:12], "too many different policies at a time: ENOBUFS", outcomes)
        p.do("sockets['s0'].close()")
        check(until(lambda: p.do("set_policy('s15', 'out ipsec esp/transport//unique:115')") == "set"), "a socket that is closed makes room, though it was never bound")


def different(program, first, count):
    """What so many different policies come to, each on a socket of its own."""
    outcomes = []
    for n in range(first, first + count):
        program.do(f"make('s{n}')")
        outcomes.append(program.do(f"set_policy('s{n}', 'out ipsec esp/transport//unique:{n}')"))
    return outcomes


def slots_of_users(a):
    with Program(a, wrap=user(65534)) as one, Program(a, wrap=user(65533)) as two, Program(a, wrap=user(65532)) as three:
        check(different(one, 200, 4) == ["set"] * 3 + ["ENOBUFS"], "a user without privilege may have three different policies")
        check(different(two, 210, 3) == ["set"] * 3, "another one has his three all the same")
        check(different(one, 201, 2) == ["set"] * 2, "the first may give more sockets the policies that he has")
        check(different(two, 200, 1) == ["set"], "the second has one of the first's, too")
        two.do("sockets['s200'].bind(('0.0.0.0', 7050))")
        for n in range(200, 203):
            one.do(f"sockets['s{n}'].close()")
        again = lambda: one.do("set_policy('s203', 'out ipsec esp/transport//unique:203')") == "set"
        check(until(again) and different(one, 204, 2) == ["set"] * 2, "which is the second's when the first has closed his")
        check(different(three, 220, 2) == ["set", "set"] and different(three, 222, 1) == ["ENOBUFS"], "nine are all for the unprivileged")


def crashes(wire, a, b):
    with Program(a) as here, Program(b) as there:
        there.do("make('peer')"), there.do("sockets['peer'].bind(('0.0.0.0', 7041))")
        here.do("make('s')"), here.do(f"set_policy('s', '{OUT}')"), here.do("sockets['s'].bind(('0.0.0.0', 7042))")
        a.stop_testudod(signal.SIGKILL)
        with wire.capture() as seen:
            here.do("sockets['s'].sendto(b'lost', ('10.9.0.2', 7041))")
            check(there.do("receive('peer', 0.5)") == "nothing", "testudod is killed: nothing of the socket's goes out")
            here.do("make('n')")
            check(here.do(f"set_policy('n', '{OUT}')") == "ENOPROTOOPT", "and no socket gets a policy: ENOPROTOOPT")
        check(not seen.packets, "the wire is silent", seen.packets)
        a.start_testudod()
        a.setkey("spdflush;" + SAS)
        with wire.capture() as seen:
            here.do("sockets['s'].sendto(b'again', ('10.9.0.2', 7041))")
            check(there.do("receive('peer')") == "again", "its successor knows the socket's policy")
        seen.only("IPv4 ESP")
        check(here.do(f"get_policy('s', 'out') == policy('{OUT}').hex() + ' clean'") is True, "and gives the same bytes back")
        here.kill()
        check("No sockets" in until(lambda: "No sockets" in listed(a) and listed(a)) or "", "a killed program leaves nothing")


def main():
    skip_unless_built()
    with Lab() as lab:
        wire, a, b = two_hosts(lab)
        refusals(a)
        given_back(a)
        pf_key(a)
        descriptors(wire, a, b)
        unprivileged(lab, wire, a, b)
        slots(a)
        slots_of_users(a)
        crashes(wire, a, b)


if __name__ == "__main__":
    main()
