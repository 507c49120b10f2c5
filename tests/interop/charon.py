"""strongSwan's charon in a node of a test or a measurement: its configuration, its start, its log.  It brings its own
user-space ESP (kernel-libipsec), which knows UDP encapsulation only."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "netns"))
from lib import until  # noqa: E402

# For `more`: charon refuses aggressive mode with a pre-shared key otherwise.
AGGRESSIVE_PSK = "i_dont_care_about_security_and_use_aggressive_mode_psk = yes"
PROGRAM = pathlib.Path("/usr/lib/ipsec/charon")
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


class Process:
    """A running charon, which has not been given connections yet; `started` is false when it did not come up.

    more, log: further lines of strongswan.conf(5), for charon and for its log.
    """

    def __init__(self, node, more="", log="flush_line = yes"):
        self.node, self.directory = node, node.lab.directory / "charon"
        (self.directory / "run").mkdir(parents=True, exist_ok=True)
        (self.directory / "log").write_text("", encoding="utf-8")
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

    def text(self):
        return (self.directory / "log").read_text(encoding="utf-8")

    def stop(self):
        self.process.terminate()
        self.process.wait(60)
