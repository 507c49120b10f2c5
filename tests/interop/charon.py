"""strongSwan's charon in a node of a test or a measurement: its configuration, its start, its log.  It brings its own
user-space ESP (kernel-libipsec), which knows UDP encapsulation only."""
import atexit
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "netns"))
from lib import BIN, Logged, check, say, transfer, until  # noqa: E402
from networks import LEFT, RIGHT, RIGHT_INSIDE, first_ping  # noqa: E402
from racoon import KEY  # noqa: E402

AMOUNT = (1000, 100) if os.environ.get("TESTUDO_INTEROP") == "full" else (20, 1)  # pings, megabytes of TCP
carried = []  # one for each scenario of this test whose packets passed
SUITE = "aes128-sha256-modp2048"
PSK = {"local": "auth = psk", "remote": "auth = psk"}
NETWORKS = "local_ts = 10.9.0.0/24\n    remote_ts = 10.8.0.0/24\n    rekey_time = 0"
# For `more`: charon refuses aggressive mode with a pre-shared key otherwise.
AGGRESSIVE_PSK = "i_dont_care_about_security_and_use_aggressive_mode_psk = yes"
PROGRAM, PLUGINS = pathlib.Path("/usr/lib/ipsec/charon"), pathlib.Path("/usr/lib/ipsec/plugins")
CONFIGURATION = """charon {{
  load_modular = yes
  {more}
  plugins {{
    include /etc/strongswan.d/charon/*.conf
    kernel-libipsec {{
      load = yes
    }}
    bypass-lan {{
      load = no
    }}
    stroke {{
      load = no
    }}
    vici {{
      socket = unix:///run/charon.vici
    }}
  }}
  filelog {{
    log {{
      path = {directory}/log
      {log}
    }}
  }}
}}
"""


def swanctl_conf(here=RIGHT, there=LEFT, auth=None, more="encap = yes", child=NETWORKS, phase1=SUITE, phase2=SUITE, key=KEY, after=""):
    """A swanctl.conf(5) with one connection and one child of it, both called c.

    here, there: the address of charon, and of its peer.  auth: PSK, or sections and what is proven by them.  more, child: further
    lines of the connection, and of the child.  phase1, phase2: proposals.  after: sections behind the pre-shared key's.
    """
    sections = "\n".join(f"  {name} {{ {lines}\n  }}" for name, lines in (auth or PSK).items())
    return f"""connections {{ c {{
  version = 1
  local_addrs = {here}
  remote_addrs = {there}
  proposals = {phase1}
  {more}
{sections}
  children {{ c {{
    {child}
    esp_proposals = {phase2}
  }} }}
}} }}
secrets {{ ike-1 {{ secret = "{key}"
}} }}
{after}"""


def certified(pki, own="right"):
    """As `auth`: this certificate and its key (see keep), and left's by the CA."""
    return {"local": f"auth = pubkey\n    certs = {pki}/{own}.pem\n    id = right.example",
            "remote": f'auth = pubkey\n    cacerts = {pki}/ca.pem\n    id = "O=Example, CN=left"'}


def login_secret(user, password):
    """As `after`: what a user of XAUTH knows."""
    return f'secrets {{ xauth-1 {{ id = {user}\n  secret = "{password}"\n}} }}\n'


def keep(lab, file, folder="private"):
    """A key, or a certificate of x509ca, to where swanctl(8) looks for it: beside its swanctl.conf."""
    place = lab.directory / "charon" / folder
    place.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, place)


class Process(Logged):
    """A running charon, which has not been given connections yet; `started` is false when it did not come up.

    more, log: further lines of strongswan.conf(5), for charon and for its log.
    """

    def __init__(self, node, more="", log="flush_line = yes"):
        self.node, self.directory, self.name = node, node.lab.directory / "charon", "charon"
        (self.directory / "run").mkdir(parents=True, exist_ok=True)
        self.log = self.directory / "log"
        self.log.write_text("", encoding="utf-8")
        conf = self.directory / "strongswan.conf"
        conf.write_text(CONFIGURATION.format(directory=self.directory, more=more, log=log), encoding="ascii")
        self.env = {**os.environ, "STRONGSWAN_CONF": str(conf)}
        self.socket = self.directory / "run" / "charon.vici"
        self.socket.unlink(missing_ok=True)
        mounts = f"mount --make-rprivate /; mount --bind {self.directory}/run /run; rm -f /run/charon.pid; exec {PROGRAM}"
        self.process = node.popen("unshare", "-m", "sh", "-c", mounts, env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.started = until(self.socket.exists)

    def swanctl(self, *arguments):
        done = self.node.exec("swanctl", *arguments, "--uri", f"unix://{self.socket}", check=False, env=self.env)
        return done.stdout + done.stderr

    def load(self, connections):
        """What swanctl says of this swanctl.conf."""
        conf = self.directory / "swanctl.conf"
        conf.write_text(connections, encoding="ascii")
        return self.swanctl("--load-all", "--file", conf)

    def initiate(self, seconds=15):
        """What swanctl says of it."""
        return self.swanctl("--initiate", "--child", "c", "--timeout", seconds)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


class Charon(Process):
    """One that must start and take its swanctl.conf."""

    def __init__(self, node, connections, more=""):
        super().__init__(node, more)
        check(self.started, "charon runs")
        loaded = self.load(connections)
        check("successfully loaded 1 connections" in loaded, "charon has its configuration", loaded)


def skip(reason):
    say(f"skipped: {reason}")
    sys.exit(77)


def skip_without_charon():
    plugin = PLUGINS / "libstrongswan-kernel-libipsec.so"
    if not PROGRAM.exists() or not plugin.exists() or not shutil.which("swanctl") or not (BIN / "racoon").exists():
        skip("needs strongSwan's charon with kernel-libipsec and swanctl")


def skip_without_openssl():
    if not shutil.which("openssl"):
        skip("needs openssl(1)")


def begin(ours, node, peer, address=RIGHT_INSIDE, seconds=15):
    """Either side begins: `ours`, the racoon of `node`, by a ping of `address`, or else charon, the peer.  What charon's side says."""
    return first_ping(node, address).stdout if ours else peer.initiate(seconds)


def carry(peer, left, left_address, right, right_address):
    """Packets both ways over what was negotiated, of which none is lost.  TESTUDO_INTEROP=full: many."""
    until(lambda: "CHILD_SA c{1} established" in peer.text())
    for near, far, address in ((left, right, right_address), (right, left, left_address)):
        near.ping(address, count=AMOUNT[0], interval=0.005)
        transfer(near, far, address, megabytes=AMOUNT[1])
    carried.append(address)
    if len(carried) == 1:
        name = pathlib.Path(sys.argv[0]).stem.removeprefix("test_strongswan_")
        atexit.register(lambda: say(f"strongSwan, {name}: {len(carried)} scenarios, in each {AMOUNT[0]} pings and {AMOUNT[1]} MB each way"))
