"""A user without privilege who means harm: the other end of test_socket_attack.py.  Argument: testudod's socket for policies.

Each line of standard input is a Python expression in the names below; its value is answered as one line.
"""
import array
import errno
import os
import socket
import struct
import sys
import threading

PATH = sys.argv[1]
POLICY = bytes([1, 2, 4, 0]) + struct.pack("=HHHBBII", 4, 18, 2, 2, 0, 0, 0) + struct.pack("=HHBBHII", 16, 50, 1, 2, 0, 0, 0)
lingering, kept, counted = [], [], [0]


def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(20)
    s.connect(PATH)
    return s


def hand_over(connection, message, descriptors):
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
    return connection.sendmsg([message], rights)


def answer(connection):
    try:
        reply = connection.recv(4096)
    except ConnectionResetError:
        return "closed"
    return errno.errorcode.get(struct.unpack("=I", reply[:4])[0], "done") if len(reply) >= 4 else "closed"


def make_lingering(address, port, count):
    del lingering[:]
    for _ in range(count):
        s = socket.create_connection((address, port), timeout=10)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 20))
        lingering.append(s)
    return len(lingering)


def stall():
    """What they send from now on is not answered: closing them would wait."""
    for s in lingering:
        s.setblocking(False)
        try:
            s.send(b"x" * 4096)
        except BlockingIOError:
            pass


def give(how):
    stall()
    c = connect()
    numbers = [s.fileno() for s in lingering]
    innocent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if how == "beside":
        hand_over(c, POLICY, [innocent.fileno()] + numbers)
    elif how == "behind":
        hand_over(c, POLICY, [innocent.fileno()])
        for number in numbers:
            hand_over(c, POLICY, [number])
    elif how == "alone":
        for number in numbers:
            one = connect()
            kept.append(one)
            hand_over(one, POLICY, [number])
    else:
        hand_over(c, POLICY, numbers)
        kept.extend(connect() for _ in range(200))
    for s in lingering:
        s.close()
    kept.append(c)
    return how


def strange(what):
    c = connect()
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    descriptors = {"pipe": lambda: list(os.pipe())[:1], "directory": lambda: [os.open("/", os.O_RDONLY)],
                   "unix socket": lambda: [socket.socketpair()[0].detach()], "own connection": lambda: [c.fileno()],
                   "listener": lambda: [socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).detach()],
                   "netlink": lambda: [socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).detach()],
                   "several": lambda: [u.fileno()] * 200, "none": lambda: [], "much": lambda: [u.fileno()], "empty": lambda: [u.fileno()]}[what]()
    message = {"much": b"\1" * 5000, "empty": b""}.get(what, POLICY)
    try:
        hand_over(c, message, descriptors)
    except BrokenPipeError:
        return "closed"
    return answer(c)


def churn():
    reqid = 0
    while True:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        reqid = reqid % 16000 + 1
        c = connect()
        try:
            hand_over(c, POLICY[:-8] + struct.pack("=II", reqid, 0), [s.fileno()])
            answer(c)
        except OSError:
            continue
        counted[0] += 1


def start_churn(threads):
    for _ in range(threads):
        threading.Thread(target=churn, daemon=True).start()
    return "churning"


def changes():
    return counted[0]


def open_many(count):
    kept.extend(connect() for _ in range(count))
    return count


def ask_and_not_read(count):
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(count):
        c = connect()
        hand_over(c, POLICY, [u.fileno()])
        kept.append(c)
    return count


def main():
    print("ready", flush=True)
    for line in sys.stdin:
        print(repr(eval(line)), flush=True)  # the lines are the test's own


if __name__ == "__main__":
    main()
