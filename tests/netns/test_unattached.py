#!/usr/bin/env python3
"""`attach = none`: SAD, SPD and PF_KEY without packets and without privileges; nothing of the host is touched."""
import json
import os
import shutil
import subprocess

from lib import BIN, Lab, check, say, until

NOBODY = 65534
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
SCRIPT = """add 10.1.0.1 10.1.0.2 esp 0x1000 -E aes-cbc "1234567890123456" -A hmac-sha1 "12345678901234567890";
spdadd 10.1.0.1 10.1.0.2 any -P out ipsec esp/transport//require;
"""


def state(node):
    """What an attached testudod would change."""
    return (node.exec("nft", "list", "ruleset").stdout, node.ip("rule"), node.ip("route", "show", "table", "all"),
            node.ip("-br", "link"))


def main():
    with Lab() as lab:
        node, other = lab.node("node"), lab.node("other")
        wire = lab.link(node, "10.1.0.1/24", other, "10.1.0.2/24")
        lab.directory.chmod(0o755)
        node.run_dir.mkdir()
        os.chown(node.run_dir, NOBODY, NOBODY)
        programs = {name: shutil.copy(BIN / name, lab.directory / name) for name in ("testudod", "setkey")}
        conf = lab.directory / "testudo.conf"
        conf.write_text("attach = none\n")
        before = state(node)

        say("started by a user without privileges")
        daemon = node.popen(*AS_NOBODY, programs["testudod"], "-F", "-c", conf, "--run-dir", node.run_dir, stderr=subprocess.PIPE,
                            text=True)
        check("ready" in daemon.stderr.readline(), "it is ready")
        check(state(node) == before, "no table, rule, route or device is made")
        status = json.loads(node.testudo("--json", "status"))["host"]
        check(status["mode"] == "none", "status says so", status)

        say("its user keeps SAs and policies in it")
        setkey = lambda *words, **options: node.exec(*AS_NOBODY, programs["setkey"], *words, env=node.environment(), **options)
        setkey("-c", input=SCRIPT)
        check("10.1.0.1 10.1.0.2" in setkey("-D").stdout, "setkey -D shows the SA")
        check("esp/transport//require" in setkey("-DP").stdout, "setkey -DP shows the policy")

        say("and nothing of it touches a packet")
        with wire.capture() as seen:
            node.ping("10.1.0.2")
        seen.only("IPv4 ICMP")
        check(state(node) == before, "still nothing is changed")
        daemon.terminate()
        check(daemon.wait(20) == 0 and until(lambda: not any(node.run_dir.glob("*.sock"))), "SIGTERM ends it with status 0")


if __name__ == "__main__":
    main()
