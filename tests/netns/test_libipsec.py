#!/usr/bin/env python3
"""A C program that uses libipsec's PF_KEY functions, against a daemon."""
import sys

from lib import BIN, SOURCE, Lab, check, run, say


def main():
    library = BIN.parent / "lib"
    if not (library / "libipsec.so").exists():
        say(f"skipped: needs libipsec in {library}")
        sys.exit(77)
    with Lab() as lab:
        program = lab.directory / "pfkey"
        run("cc", "-std=c99", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", "-Werror", SOURCE / "tests/libipsec/pfkey.c", "-o", program,
            "-I", SOURCE / "libipsec/include", "-L", library, "-lipsec", f"-Wl,-rpath,{library}")
        node = lab.node("one")
        node.start_testudod()
        done = node.exec(program, check=False, env=node.environment())
        say(done.stdout.rstrip())
        check(done.returncode == 0, "the program ends well", done.stderr)
        for text in ("10.0.0.1 10.0.0.2 \n\tesp mode=transport spi=4098(0x00001002) reqid=7(0x00000007)", "soft: 800(s)",
                     "sadb_msg{ version=2 type=5 errno=0 satype=3", "sadb_lifetime{ alloc=8, bytes=1000",
                     "\n 6b6b6b6b 6b6b6b6b 6b6b6b6b 6b6b6b6b 6b6b6b6b 6b6b6b6b 6b6b6b6b 6b6b6b6b\n 6b6b\n",
                     "10.1.0.0/16[any] 10.0.0.2[any] 255(reserved)\n\tout ipsec\n\tesp/tunnel/10.0.0.1"):
            check(text in done.stdout, f"printed: {text.splitlines()[0]}")
        check(node.stop_testudod() == 0, "the daemon ends well")
        gone = node.exec(program, check=False, env=node.environment())
        check(gone.returncode == 1 and "No such file or directory" in gone.stdout, "without a daemon pfkey_open() says why", gone.stdout)


if __name__ == "__main__":
    main()
