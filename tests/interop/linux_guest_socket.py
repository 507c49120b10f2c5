"""Runs inside the guest: sockets whose policies the Linux kernel itself was given by setsockopt.

UDP echo on port 7300 and TCP echo on port 7301, both with the policies of the arguments: OPTION:HEXADECIMAL, where option 16 is
IP_IPSEC_POLICY (sadb_x_policy) and 17 IP_XFRM_POLICY (xfrm_userpolicy_info).
"""
import selectors
import socket
import sys


def with_policies(kind, port):
    s = socket.socket(socket.AF_INET, kind)
    for argument in sys.argv[1:]:
        option, policy = argument.split(":")
        s.setsockopt(socket.IPPROTO_IP, int(option), bytes.fromhex(policy))
    s.bind(("0.0.0.0", port))
    return s


udp, tcp = with_policies(socket.SOCK_DGRAM, 7300), with_policies(socket.SOCK_STREAM, 7301)
tcp.listen()
waiting = selectors.DefaultSelector()
for one in (udp, tcp):
    waiting.register(one, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        if key.fileobj is udp:
            udp.sendto(*udp.recvfrom(65536))
            continue
        connection, _ = tcp.accept()
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data)
