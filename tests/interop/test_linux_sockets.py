#!/usr/bin/env python3
"""A program whose socket has a policy of the Linux kernel's own IP_IPSEC_POLICY talks to one that has ours.

    namespace: testudod, programs under the preload        guest: Linux in User Mode Linux
      tap0  10.9.0.1  <-------------- wire ------------->    vec0  10.9.0.2

Our side has no policy in its SPD: what is protected is what the sockets ask for, and nothing else.  Linux takes an outbound
policy in KAME's form, but leaves the family of its selector open, by which it looks for what makes the packets: each one
ends with EINVAL and XfrmOutBundleGenError (seen with Debian's user-mode-linux 6.1.176, with or without us).  There the
same policy is given to the same socket in Linux's own form, IP_XFRM_POLICY, which names the family.
"""
import contextlib
import pathlib
import shlex
import socket
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "netns")]
import linux_guest  # noqa: E402
from lib import Lab, Wire, check, say, until  # noqa: E402
from sockets import KEY, Program, skip_unless_built  # noqa: E402

US, THEM = "10.9.0.1", "10.9.0.2"
AES = "0x00112233445566778899aabbccddeeff"
IP_IPSEC_POLICY, IP_XFRM_POLICY, XFRM_POLICY_OUT = 16, 17, 1  # <linux/in.h>, <linux/xfrm.h>
WORDS = ("in ipsec esp/transport//require", "out ipsec esp/transport//require")


def keys(node, guest):
    for source, destination, spi in ((US, THEM, 0x3001), (THEM, US, 0x3002)):
        node.setkey(f"add {source} {destination} esp {spi} -E rijndael-cbc {AES} -A hmac-sha1 {KEY};")
        guest.sh(f"ip xfrm state add src {source} dst {destination} proto esp spi {spi} mode transport "
                 f"auth-trunc 'hmac(sha1)' {KEY} 96 enc 'cbc(aes)' {AES}")


def of_linux(guest, outbound):
    """The option and the outbound policy for the guest's sockets, in KAME's form where its kernel can send by it."""
    send = (f"import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
            f"s.setsockopt(0, {IP_IPSEC_POLICY}, bytes.fromhex('{outbound}')); s.sendto(b'-', ('{US}', 9))")
    words = guest.sh(f"python3 -c {shlex.quote(send)} 2>&1", check=False)
    if "Invalid argument" not in words:
        check(words == "", "Linux's socket sends by its outbound policy", words)
        return IP_IPSEC_POLICY, outbound
    say("  the guest's kernel sends nothing by an outbound policy in KAME's form; it has Linux's form instead")
    return IP_XFRM_POLICY, esp_transport_out().hex()


def esp_transport_out():
    """struct xfrm_userpolicy_info and one xfrm_user_tmpl of <linux/xfrm.h>, in the guest's byte order."""
    no_limit, every = 2**64 - 1, 2**32 - 1
    selector = struct.pack("=32x8xHBBBxxxII", socket.AF_INET, 0, 0, 0, 0, 0)
    limits = struct.pack("=8Q", *[no_limit] * 4, 0, 0, 0, 0)
    policy = selector + limits + struct.pack("=4QIIBBBB4x", 0, 0, 0, 0, 0, 0, XFRM_POLICY_OUT, 0, 0, 0)
    template = struct.pack("=16sIB3xH2x16xIBBBxIII", b"", 0, socket.IPPROTO_ESP, socket.AF_INET, 0, 0, 0, 0, every, every, every)
    assert (len(policy), len(template)) == (168, 64), "as the kernel's ABI has them"
    return policy + template


def protected(wire, here):
    here.do("make('u')"), here.do("make('t', 4, 'tcp')")
    for name in ("u", "t"):
        for words in WORDS:
            check(here.do(f"set_policy('{name}', '{words}')") == "set", f"our socket: {words}")
    with wire.capture() as seen:
        here.do(f"sockets['u'].sendto(b'over UDP', ('{THEM}', 7300))")
        check(here.do("receive('u')") == "over UDP", "UDP: Linux's socket answers ours")
        here.do(f"sockets['t'].connect(('{THEM}', 7301))")
        here.do("sockets['t'].sendall(b'x' * 50000)")
        check(here.do("receive_all('t', 50000)") == 50000, "TCP: 50000 bytes there and back")
        here.do("sockets['t'].close()")
    seen.only("IPv4 ESP")


def in_clear(wire, here):
    here.do("make('plain')"), here.do("make('strict')")
    with wire.capture() as seen:
        here.do(f"sockets['plain'].sendto(b'in clear', ('{THEM}', 7300))")
        check(here.do("receive('plain', 1)") == "nothing", "Linux's socket takes nothing in clear")
        here.do(f"sockets['plain'].sendto(b'in clear', ('{THEM}', 7))")
        check(here.do("receive('plain')") == "in clear", "another of its sockets does")
        check(here.do(f"set_policy('strict', '{WORDS[0]}')") == "set", "ours takes nothing in clear from now on")
        here.do(f"sockets['strict'].sendto(b'in clear', ('{THEM}', 7))")
        check(here.do("receive('strict', 1)") == "nothing", "so what Linux answers in clear is not taken")
    seen.only("IPv4 UDP")


def main():
    skip_unless_built()
    reason = linux_guest.missing()
    if reason:
        say("skipped: " + reason)
        sys.exit(77)
    with Lab() as lab, contextlib.ExitStack() as at_last:
        node = lab.node("a")
        guest = linux_guest.Guest(node, "tap0", f"{THEM}/24", "")
        at_last.callback(guest.close)  # in order, or parts of it would outlive the test
        node.ip("addr", "add", f"{US}/24", "dev", "tap0")
        if "found" in guest.sh("modprobe -d /run/modules af_key 2>&1", check=False):
            say("skipped: the guest's kernel has no af_key, which reads such policies")
            sys.exit(77)
        node.start_testudod()
        keys(node, guest)
        with Program(node) as here:
            inbound, outbound = [here.do(f"policy('{words}').hex()") for words in WORDS]
            option, form = of_linux(guest, outbound)
            guest.sh(f"setsid python3 {HERE}/linux_guest_echo.py >/dev/null 2>&1 & "
                     f"setsid python3 {HERE}/linux_guest_socket.py {IP_IPSEC_POLICY}:{inbound} {option}:{form} "
                     ">/run/words 2>&1 &")
            ready = lambda: "7300" in guest.sh("ss -lnut || cat /proc/net/udp", check=False) or ":1C84" in guest.sh("cat /proc/net/udp")
            check(until(ready, 60), "Linux takes the policies that our library made", guest.sh("cat /run/words", check=False))
            wire = Wire(lab, node, "tap0")
            protected(wire, here)
            in_clear(wire, here)


if __name__ == "__main__":
    main()
