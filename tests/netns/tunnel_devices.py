"""`testudo tunnel` in a node: tunnel interfaces, their addresses, what is refused."""
import json

from lib import BIN, run

KEY = "-E aes-cbc 0x00112233445566778899aabbccddeeff -A hmac-sha1 0x000102030405060708090a0b0c0d0e0f10111213"


def tunnels(node):
    return {t["name"]: t for t in json.loads(node.testudo("--json", "tunnel", "list"))["tunnels"]}


def refused(node, *words):
    done = run(BIN / "testudo", "--run-dir", node.run_dir, "tunnel", *words, check=False)
    return done.stderr if done.returncode == 1 else f"status {done.returncode}: {done.stderr}"


def add_tunnel(node, name, local, remote, inner4, inner6, *words):
    node.testudo("tunnel", "add", name, "local", local, "remote", remote, *words)
    node.ip("addr", "add", inner4[0], "peer", inner4[1], "dev", name)
    node.ip("addr", "add", inner6[0], "peer", inner6[1], "dev", name, "nodad")


def both(a, b, name, ends, inner4, inner6, *words):
    add_tunnel(a, name, *ends, inner4, inner6, *words)
    add_tunnel(b, name, *ends[::-1], inner4[::-1], inner6[::-1], *words)
