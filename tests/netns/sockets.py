"""Two hosts with SAs and no policies, and programs under libtestudo-preload.so, for test_socket_*.py."""
import ast
import subprocess
import sys

from lib import BIN, SOURCE, say

LIBRARIES = BIN.parent / "lib"
PRELOAD, LIBIPSEC = LIBRARIES / "libtestudo-preload.so", LIBRARIES / "libipsec.so"
KEY = "0x" + "5a" * 20
SAS = """add 10.9.0.1 10.9.0.2 esp 1001 -E rijndael-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 {key};
add 10.9.0.2 10.9.0.1 esp 1002 -E rijndael-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 {key};
add fd09::1 fd09::2 esp 1003 -E rijndael-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 {key};
add fd09::2 fd09::1 esp 1004 -E rijndael-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 {key};
""".format(key=KEY)


def skip_unless_built():
    for library in (PRELOAD, LIBIPSEC):
        if not library.exists():
            say(f"skipped: needs {library}")
            sys.exit(77)


def two_hosts(lab):
    a, b = lab.node("a"), lab.node("b")
    wire = lab.link(a, "10.9.0.1/24 fd09::1/64", b, "10.9.0.2/24 fd09::2/64")
    for node in (a, b):
        node.start_testudod()
        node.setkey(SAS)
    return wire, a, b


class Program:
    """A program in a node, under the preload; do() has it do something and gives the value."""

    def __init__(self, node, wrap=(), preload=True):
        self.node, self.wrap, self.preload = node, wrap, preload

    def __enter__(self):
        import os
        environment = {**os.environ, **self.node.environment(), "LIBIPSEC": str(LIBIPSEC)}
        if self.preload:
            environment["LD_PRELOAD"] = str(PRELOAD)
        self.process = self.node.popen(*self.wrap, sys.executable, SOURCE / "tests/netns/socket_program.py", env=environment,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def do(self, expression):
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()
        return ast.literal_eval(self.process.stdout.readline())

    def kill(self):
        self.process.kill()
        self.process.wait()
