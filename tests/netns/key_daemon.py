"""What a key daemon does with UDP 4500, in a few lines: IKE messages in (each after the non-ESP marker), answers out.

    key_daemon.py answer FAMILY OPTION ADDRESS     binds and answers; prints "ready", and what was not IKE
    key_daemon.py ask FAMILY ADDRESS COUNT         binds as well, asks, and prints how many answers came
"""
import socket
import sys
import time

PORT, MARKER = 4500, bytes(4)
FAMILIES = {"4": socket.AF_INET, "6": socket.AF_INET6, "46": socket.AF_INET6}
OPTIONS = {"reuseaddr": socket.SO_REUSEADDR, "reuseport": socket.SO_REUSEPORT}


def opened(family, option, address=""):
    made = socket.socket(FAMILIES[family], socket.SOCK_DGRAM)
    if option in OPTIONS:
        made.setsockopt(socket.SOL_SOCKET, OPTIONS[option], 1)
    if family != "4":
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, family == "6")
    made.bind((address, PORT))
    return made


def answer(family, option, address):
    port = opened(family, option, "" if address == "any" else address)
    print("ready", flush=True)
    while True:
        message, peer = port.recvfrom(65536)
        if message[:4] == MARKER:
            port.sendto(MARKER + b"answer to " + message[4:], peer)
        else:
            print("not IKE:", message[:8].hex(), len(message), flush=True)


def ask(family, address, count):
    port = opened(family, "reuseaddr")
    port.settimeout(5)
    answers = 0
    for number in range(int(count)):
        question = b"question %d of %d" % (number, int(count))
        for _ in range(3):  # as IKE does
            port.sendto(MARKER + question, (address, PORT))
            try:
                answers += port.recv(65536) == MARKER + b"answer to " + question
                break
            except TimeoutError:
                continue
        time.sleep(0.02)
    print(answers, flush=True)


if __name__ == "__main__":
    {"answer": answer, "ask": ask}[sys.argv[1]](*sys.argv[2:])
