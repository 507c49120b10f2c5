"""The Linux kernel's own IPsec as a peer: a User Mode Linux guest on a tap device inside a network namespace.

  host namespace NS                     guest (Debian's user-mode-linux)
    tap0  host addresses  <-ethernet->  vec0  guest addresses
"""
import atexit
import base64
import ctypes
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1
CLONE_NEWNET = 0x40000000


def run(*command, check=True):
    return subprocess.run(command, check=check, capture_output=True, text=True)


class Namespace:
    """A network namespace of this test, gone when the test ends."""

    def __init__(self, name):
        self.name = name
        run("ip", "netns", "add", name)
        atexit.register(self.close)
        self.ip("link", "set", "lo", "up")

    def ip(self, *words, check=True):
        return run("ip", "-n", self.name, *words, check=check)

    def exec(self, *command, check=True, **more):
        return subprocess.run(["ip", "netns", "exec", self.name, *command], check=check, capture_output=True, text=True, **more)

    def popen(self, *command, **more):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *command], **more)

    def socket(self, *kind):
        """A socket that lives in this namespace."""
        with open("/proc/self/ns/net", "rb") as home, open(f"/run/netns/{self.name}", "rb") as there:
            if LIBC.setns(there.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            try:
                return socket.socket(*kind)
            finally:
                LIBC.setns(home.fileno(), CLONE_NEWNET)

    def close(self):
        run("ip", "netns", "del", self.name, check=False)
        atexit.unregister(self.close)


def missing():
    """What this machine lacks for a guest, or None."""
    if not shutil.which("linux.uml"):
        return "user-mode-linux is not installed"
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/dev/net/tun"):
        return "no /dev/net/tun"
    return None


def keep_awake(waker):
    """Writes to a terminal of the guest ten times a second, until the guest has ended.

    User Mode Linux now and then misses that its tap device has a frame for it, and sees it with the next interrupt of
    any device: the frame would wait there until something else happens.
    """
    script = "while echo; do sleep 0.1; done 2>/dev/null"
    with waker:
        subprocess.Popen(["sh", "-c", script], stdin=subprocess.DEVNULL, stdout=waker, start_new_session=True,
                         preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))


class Guest:
    def __init__(self, namespace, tap, addr4, addr6, memory=192):
        namespace.ip("tuntap", "add", tap, "mode", "tap")
        namespace.ip("link", "set", tap, "up")
        self.work = tempfile.mkdtemp(prefix="testudo-uml-", dir="/dev/shm")
        self.socket, theirs = socket.socketpair()
        waker, woken = socket.socketpair()
        self.buffer = b""
        init = pathlib.Path(__file__).resolve().parent / "linux_guest_init"
        command = ["linux.uml", f"mem={memory}M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", f"init={init}",
                   f"uml_dir={self.work}", "con=null", "con0=null,fd:1", f"con1=fd:{theirs.fileno()},fd:{theirs.fileno()}",
                   f"con2=fd:{woken.fileno()},null",
                   "quiet", f"vec0:transport=tap,ifname={tap},depth=128,gro=1,mac=02:00:00:00:00:02",
                   f"guest.ADDR4={addr4}", f"guest.ADDR6={addr6}"]
        self.log = open(os.path.join(self.work, "console"), "wb")
        self.process = namespace.popen(*command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT,
                                       pass_fds=[theirs.fileno(), woken.fileno()], start_new_session=True,
                                       preexec_fn=lambda: LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))
        theirs.close(), woken.close()
        keep_awake(waker)
        atexit.register(self.close)
        self._answer(90)

    def _answer(self, timeout):
        end = time.monotonic() + timeout
        while True:
            start = self.buffer.find(b"@@RC ")
            if start >= 0 and b"\n" in self.buffer[start:]:
                stop = self.buffer.index(b"\n", start)
                status, output = int(self.buffer[start + 5:stop]), self.buffer[:start]
                self.buffer = self.buffer[stop + 1:]
                return status, output.decode("utf8", "replace").replace("\r", "")
            if not select.select([self.socket], [], [], max(0.0, end - time.monotonic()))[0]:
                raise TimeoutError(f"the guest does not answer; last words {self.buffer[-300:]!r}")
            data = self.socket.recv(65536)
            if not data:
                raise EOFError(f"the guest died; last words {self.buffer[-300:]!r}")
            self.buffer += data

    def sh(self, command, timeout=60, check=True):
        self.socket.sendall(base64.b64encode(command.encode()) + b"\n")
        status, output = self._answer(timeout)
        if check and status != 0:
            raise RuntimeError(f"guest: {command!r} ended with {status}: {output}")
        return output

    def close(self):
        atexit.unregister(self.close)
        if self.process.poll() is None:
            try:
                self.socket.sendall(base64.b64encode(b"poweroff") + b"\n")
                self.process.wait(5)
            except (OSError, subprocess.TimeoutExpired):
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        self.socket.close()
        self.log.close()
        shutil.rmtree(self.work, ignore_errors=True)
