"""racoon as the server of XAUTH with a pool of addresses, and as its client; the user that may log in."""
from lib import run
from racoon import KEY, Racoon, racoon_conf

USER, PASSWORD = "anna", "tulip in spring"
SECRET = "Barnacle-4711-secret"  # of racoon and its RADIUS servers
NO_PFS = {"suite": ("aes", "sha256", "modp2048"), "esp": ("aes", "hmac_sha256"), "sainfo": ""}
CLIENT = racoon_conf("exchange_mode main; mode_cfg on; nat_traversal off;", method="xauth_psk_client", **NO_PFS)


def server_conf(mode_cfg="", radius="", nat_traversal="off", phases=NO_PFS):
    """mode_cfg, radius: further statements of these sections; phases: what else racoon_conf() takes."""
    top = f"mode_cfg {{ auth_throttle 0; network4 10.77.0.1; pool_size 20; {mode_cfg} }}\nradiuscfg {{ {radius} }}"
    return racoon_conf(f"exchange_mode main; nat_traversal {nat_traversal};", top, "xauth_psk_server", **phases)


def login_racoon(node, peer, conf, mounts=()):
    return Racoon(node, conf, f"{peer} {KEY}\n", ready="unprivileged process running", mounts=mounts)


def system_files(directory, groups, password=PASSWORD):
    """The system's files of users, with ours in them, for Racoon's `mounts`; groups: lines of group(5)."""
    hashed = run("openssl", "passwd", "-6", password).stdout.strip()
    (directory / "shadow").write_text(f"root:*:19000:0:99999:7:::\n{USER}:{hashed}:19000:0:99999:7:::\n")
    (directory / "shadow").chmod(0o600)
    (directory / "passwd").write_text(f"root:x:0:0::/:/bin/sh\n{USER}:x:4711:4711::/:/bin/false\nnobody:x:65534:65534::/:/bin/false\n")
    (directory / "group").write_text("root:x:0:\n" + groups)
    return [(directory / name, f"/etc/{name}") for name in ("shadow", "passwd", "group")]
