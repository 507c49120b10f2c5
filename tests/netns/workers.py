"""What tests of several workers share: several connections at once, and what `testudo status` says of each worker afterwards."""
import json
import threading

from lib import check, pinger, transfer

FLOWS = 8


def told(node, *words):
    return json.loads(node.testudo("--json", *words))


def workers(node):
    return told(node, "status")["host"]["workers"]


def drops(node):
    return {d["reason"]: d["count"] for d in told(node, "drops")["drops"] if d["count"]}


def carry(left, right, address, megabytes=2, repeats=1):
    """Several connections at once (lib.transfer()), to ports 5001 and on, and echoes beside them."""
    failed = []

    def one(number):
        try:
            transfer(left, right, address, megabytes=megabytes, port=5001 + number, repeats=repeats)
        except BaseException as error:  # shown by the main thread
            failed.append(error)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(FLOWS)]
    for thread in threads:
        thread.start()
    echoes = left.exec(*pinger(address, 40, 300, 0.02), check=False)
    for thread in threads:
        thread.join()
    check(not failed, "all connections went through", failed)
    check(echoes.returncode == 0, "all echoes came back", echoes.stdout + echoes.stderr)


def both_worked(node, before, ways=("from_host", "from_wire")):
    for way in ways:
        counts = [now[way] - then[way] for now, then in zip(workers(node), before)]
        check(len(counts) == 2 and min(counts) > 0, f"{node.name}: both workers carried packets {way}: {counts}")


def adds_up(node):
    """What came in went on or was dropped, over both."""
    status = told(node, "status")
    sums = status["packets"]
    for way in ("from_host", "from_wire"):
        check(sums[way] == sum(w[way] for w in status["host"]["workers"]), f"{node.name}: {way} is the sum of the workers'",
              status)
    entered, left = sums["from_host"] + sums["from_wire"], sums["to_wire"] + sums["to_host"] + sums["dropped"]
    check(entered == left, f"{node.name}: {entered} packets in, {left} out or dropped", status)
