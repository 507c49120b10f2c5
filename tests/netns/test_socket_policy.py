#!/usr/bin/env python3
"""Sockets with a policy of their own (IP_IPSEC_POLICY, by libtestudo-preload.so) among others; the wire tells them apart."""
from lib import Lab, check
from sockets import Program, skip_unless_built, two_hosts


def udp_one_of_two(wire, a, b):
    with Program(a) as here, Program(b) as there:
        there.do("make('peer')"), there.do("sockets['peer'].bind(('0.0.0.0', 7000))")
        here.do("make('secret')"), here.do("make('plain')")
        check(here.do("set_policy('secret', 'out ipsec esp/transport//require')") == "set", "setsockopt(IP_IPSEC_POLICY) takes the policy")
        with wire.capture() as seen:
            for name in ("secret", "plain"):
                here.do(f"sockets['{name}'].sendto(b'{name}', ('10.9.0.2', 7000))")
                check(there.do("receive('peer')") == name, f"the datagram of the socket '{name}' arrives")
        check(seen.packets.count("IPv4 ESP") == 1 and seen.packets.count("IPv4 UDP") == 1, "one of them was ESP, the other in clear", seen.packets)


def clear_never_reaches(wire, a, b, family):
    """`in require`: what comes in clear stops in front of the socket, what comes by the SA arrives."""
    address, everywhere = ("fd09::2", "::") if family == 6 else ("10.9.0.2", "0.0.0.0")
    with Program(a) as here, Program(b) as there:
        there.do(f"make('strict', {family})"), there.do("set_policy('strict', 'in ipsec esp/transport//require')")
        there.do(f"make('open', {family})")
        there.do(f"sockets['strict'].bind(('{everywhere}', 7011))"), there.do(f"sockets['open'].bind(('{everywhere}', 7012))")
        here.do(f"make('plain', {family})"), here.do(f"make('secret', {family})")
        here.do("set_policy('secret', 'out ipsec esp/transport//require')")
        for port in (7011, 7012):
            here.do(f"sockets['plain'].sendto(b'clear', ('{address}', {port}))")
        check(there.do("receive('open')") == "clear", f"IPv{family}: a clear datagram reaches a socket without policy")
        check(there.do("receive('strict', 0.5)") == "nothing", f"IPv{family}: none reaches the one that requires ESP")
        here.do(f"sockets['secret'].sendto(b'sealed', ('{address}', 7011))")
        check(there.do("receive('strict')") == "sealed", f"IPv{family}: a sealed one does")
        there.do("set_policy('open', 'in ipsec ah/transport//require')")
        here.do(f"sockets['secret'].sendto(b'sealed', ('{address}', 7012))")
        check(there.do("receive('open', 0.5)") == "nothing", f"IPv{family}: ESP does not do where the socket requires AH")
        check("InboundPolicyMismatch" in b.testudo("drops"), f"IPv{family}: and it is said why")


def tcp(wire, a, b, family):
    """The listener's policy is that of what it accepts; a whole connection is ESP from its first packet to its last."""
    address, everywhere = ("fd09::2", "::") if family == 6 else ("10.9.0.2", "0.0.0.0")
    with Program(a) as here, Program(b) as there:
        there.do(f"make('listener', {family}, 'tcp')")
        for way in ("in", "out"):
            there.do(f"set_policy('listener', '{way} ipsec esp/transport//require')")
        there.do(f"sockets['listener'].bind(('{everywhere}', 700{family}))"), there.do("sockets['listener'].listen()")
        here.do(f"make('plain', {family}, 'tcp')"), here.do("sockets['plain'].settimeout(1)")
        check(here.do(f"sockets['plain'].connect(('{address}', 700{family}))") == "timed out", f"IPv{family}: a clear SYN finds no listener")
        here.do("sockets['plain'].close()"), here.do(f"make('c', {family}, 'tcp')")
        with wire.capture() as seen:
            for way in ("in", "out"):
                here.do(f"set_policy('c', '{way} ipsec esp/transport//require')")
            here.do(f"sockets['c'].connect(('{address}', 700{family}))")
            there.do("accept('s', 'listener')")
            same = there.do("get_policy('s', 'in')") == there.do("get_policy('listener', 'in')")
            check(same, f"IPv{family}: the accepted socket has the listener's policy")
            there.do("sockets['s'].sendall(b'x' * 200000)")
            check(here.do("receive_all('c', 200000)") == 200000, f"IPv{family}: TCP carries data")
            here.do("sockets['c'].close()"), there.do("sockets['s'].close()")
            there.do("__import__('time').sleep(0.3)")
        seen.only(f"IPv{family} ESP", f"IPv{family} fragment of ESP")


def mapped(wire, a, b):
    with Program(a) as here, Program(b) as there:
        there.do("make('peer')"), there.do("sockets['peer'].bind(('0.0.0.0', 7014))")
        here.do("make('both', 6)"), here.do("sockets['both'].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)")
        here.do("set_policy('both', 'out ipsec esp/transport//require')")
        with wire.capture() as seen:
            here.do("sockets['both'].sendto(b'mapped', ('::ffff:10.9.0.2', 7014))")
            check(there.do("receive('peer')") == "mapped", "a v4-mapped datagram of an IPv6 socket arrives")
        seen.only("IPv4 ESP")
        there.do("make('listener', 6, 'tcp')"), there.do("sockets['listener'].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)")
        for way in ("in", "out"):
            there.do(f"set_policy('listener', '{way} ipsec esp/transport//require')")
        there.do("sockets['listener'].bind(('::', 7016))"), there.do("sockets['listener'].listen()")
        here.do("make('plain', 4, 'tcp')"), here.do("sockets['plain'].settimeout(1)")
        check(here.do("sockets['plain'].connect(('10.9.0.2', 7016))") == "timed out", "a clear SYN of IPv4 finds no IPv6 listener that requires ESP")
        here.do("sockets['plain'].close()"), here.do("make('c', 6, 'tcp')")
        with wire.capture() as seen:
            for way in ("in", "out"):
                here.do(f"set_policy('c', '{way} ipsec esp/transport//require')")
            here.do("sockets['c'].connect(('::ffff:10.9.0.2', 7016))"), there.do("accept('s', 'listener')")
            there.do("sockets['s'].sendall(b'x' * 20000)")
            check(here.do("receive_all('c', 20000)") == 20000, "TCP between v4-mapped addresses carries data")
        seen.only("IPv4 ESP", "IPv4 fragment of ESP")


def answered_in_clear(wire, a, b, family):
    """The peer opens what it gets and answers in clear: none of that comes through."""
    address, everywhere = ("fd09::2", "::") if family == 6 else ("10.9.0.2", "0.0.0.0")
    with Program(a) as here, Program(b) as there:
        there.do(f"make('peer', {family})"), there.do(f"sockets['peer'].bind(('{everywhere}', 702{family}))")
        there.do(f"make('listener', {family}, 'tcp')"), there.do(f"sockets['listener'].bind(('{everywhere}', 702{family}))")
        there.do("sockets['listener'].listen()")
        here.do(f"make('u', {family})"), here.do(f"make('c', {family}, 'tcp')")
        for name in ("u", "c"):
            for way in ("in", "out"):
                here.do(f"set_policy('{name}', '{way} ipsec esp/transport//require')")
        with wire.capture() as seen:
            here.do(f"sockets['u'].sendto(b'question', ('{address}', 702{family}))")
            answer = "(lambda got: (sockets['peer'].sendto(b'answer', got[1]), got[0].decode())[1])(sockets['peer'].recvfrom(99))"
            check(there.do(answer) == "question", f"IPv{family}: the question arrives")
            check(here.do("receive('u', 0.5)") == "nothing", f"IPv{family}: UDP: the answer in clear does not")
            here.do("sockets['c'].settimeout(1.5)")
            check(here.do(f"sockets['c'].connect(('{address}', 702{family}))") == "timed out", f"IPv{family}: TCP: no connection by a clear SYN-ACK")
        check({f"IPv{family} ESP", f"IPv{family} UDP", f"IPv{family} TCP"} == set(seen.packets), "asked by ESP, answered in clear", set(seen.packets))


def precedence(wire, a, b):
    """A privileged socket's policy goes before the SPD; entrust leaves it to the SPD; bypass passes it by."""
    a.setkey("spdadd 10.9.0.1 10.9.0.2 udp -P out ipsec esp/transport//require;")
    with Program(a) as here, Program(b) as there:
        there.do("make('peer')"), there.do("sockets['peer'].bind(('0.0.0.0', 7015))")
        for name, text, expected in (("by", "out bypass", "IPv4 UDP"), ("trusting", "out entrust", "IPv4 ESP"), ("silent", None, "IPv4 ESP")):
            here.do(f"make('{name}')")
            if text:
                check(here.do(f"set_policy('{name}', '{text}')") == "set", f"{text}: set")
            with wire.capture() as seen:
                here.do(f"sockets['{name}'].sendto(b'{name}', ('10.9.0.2', 7015))")
                check(there.do("receive('peer')") == name, f"{text}: its datagram arrives")
            seen.only(expected)
        a.setkey("spdflush;")
        here.do("make('two')"), here.do("set_policy('two', 'out ipsec ah/transport//require')")
        with wire.capture() as seen:
            here.do("sockets['two'].sendto(b'two', ('10.9.0.2', 7015))")
            check(there.do("receive('peer', 0.5)") == "nothing", "without the SA that its policy asks for nothing leaves")
        check(not seen.packets, "the wire is silent", seen.packets)


def main():
    skip_unless_built()
    with Lab() as lab:
        wire, a, b = two_hosts(lab)
        udp_one_of_two(wire, a, b)
        mapped(wire, a, b)
        precedence(wire, a, b)
        for family in (4, 6):
            clear_never_reaches(wire, a, b, family)
            tcp(wire, a, b, family)
            answered_in_clear(wire, a, b, family)


if __name__ == "__main__":
    main()
