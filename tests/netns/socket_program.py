"""What a program with sockets of its own does, told line by line on standard input: the other end of test_socket_*.py.

Each line is a Python expression in the names below; its value, or the errno that it failed with, is answered as one line.
"""
import array
import ctypes
import errno
import os
import select
import socket
import subprocess
import sys

IP_POLICY, IPV6_POLICY, BSD_IP_POLICY, BSD_IPV6_POLICY = 16, 34, 22, 28
ipsec = ctypes.CDLL(os.environ["LIBIPSEC"])
ipsec.ipsec_set_policy.restype = ctypes.c_void_p
sockets = {}


def policy(text):
    blob = ipsec.ipsec_set_policy(ctypes.c_char_p(text.encode()), len(text))
    return ctypes.string_at(blob, ipsec.ipsec_get_policylen(ctypes.c_void_p(blob)))


def options(name):
    v6 = sockets[name].family == socket.AF_INET6
    return (socket.IPPROTO_IPV6, IPV6_POLICY) if v6 else (socket.IPPROTO_IP, IP_POLICY)


def make(name, family=4, kind="udp"):
    sockets[name] = socket.socket(socket.AF_INET6 if family == 6 else socket.AF_INET,
                                  socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
    sockets[name].settimeout(10)
    return name


def set_policy(name, text):
    sockets[name].setsockopt(*options(name), policy(text))
    return "set"


def get_policy(name, direction, room=512):
    asked = policy(direction)
    level, option = options(name)
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(asked + b"\xaa" * (room - len(asked)), room)
    length = ctypes.c_uint32(room)
    if libc.getsockopt(sockets[name].fileno(), level, option, buffer, ctypes.byref(length)) != 0:
        raise OSError(ctypes.get_errno(), "getsockopt")
    return buffer.raw[:length.value].hex() + (" clean" if set(buffer.raw[length.value:]) <= {0xaa} else " dirty")


def receive(name, seconds=10):
    sockets[name].settimeout(seconds)
    try:
        return sockets[name].recvfrom(2048)[0].decode()
    except TimeoutError:
        return "nothing"


def receive_all(name, size):
    got = 0
    while got < size:
        data = sockets[name].recv(65536)
        if not data:
            break
        got += len(data)
    return got


def accept(name, listener):
    sockets[name], _ = sockets[listener].accept()
    sockets[name].settimeout(10)
    return name


def send_by_fork(name):
    child = os.fork()
    if child == 0:
        sockets[name].send(b"fork")
        os._exit(0)
    return os.waitpid(child, 0)[1]


def send_by_exec(name):
    """A program that knows nothing of policies, or of the preload, has the socket as its standard output."""
    bare = {word: value for word, value in os.environ.items() if word != "LD_PRELOAD"}
    return subprocess.run(["printf", "exec"], stdout=sockets[name].fileno(), env=bare).returncode


def send_by_rights(name):
    near, far = socket.socketpair()
    socket.send_fds(near, [b"-"], [sockets[name].fileno()])
    with socket.socket(fileno=socket.recv_fds(far, 9, 1)[1][0]) as received:
        return received.send(b"rights")


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        try:
            print(repr(eval(line)), flush=True)  # the lines are the test's own
        except OSError as error:
            print(repr(errno.errorcode.get(error.errno, str(error))), flush=True)


if __name__ == "__main__":
    main()
