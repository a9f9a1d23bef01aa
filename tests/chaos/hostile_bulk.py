#!/usr/bin/env python3
"""Clients with the secret send payloads that never end, and ask for data that they do not read.

Held: all clients together take no more memory than the limits in messages/ and config/limits allow.
It is given back when they leave, and the node answers others meanwhile.
"""
import hashlib
import struct
import time

import chaoslib as chaos
import wire

ROUNDS, QUICK, ROUNDS_MEAN = 8, 8, "clients that send unfinished payloads, 120 MB each"
PAYLOADS, CHUNKS, CHUNK_BYTES = 3, 200, 200_000  # for each client
PAYLOAD_BYTES = 41_000_000  # announced, but one chunk is never sent
UNFINISHED_MB_MAX = 96 + 64  # client_chunks_bytes_max, and the allocator's overhead
READERS, QUESTIONS = 4, 30
UNREAD_MB_MAX = READERS * 64 + 192  # link_bytes_max each, and one or two copies of the document
KEPT_MB_MAX = 48


def send_unfinished(address, secret):
    """Sends until the node ends the connection or all is sent."""
    client = wire.Client(address, secret, timeout=20)
    try:
        for stream in range(1, PAYLOADS + 1):
            for _ in range(CHUNKS):
                client.send(wire.CHUNK,
                            struct.pack("<II", stream, PAYLOAD_BYTES) + b"x" * CHUNK_BYTES)
    except OSError:
        client.refused = True
    return client


def ask_unread(address, secret, digest, size):
    client = wire.Client(address, secret)
    blob = wire.field(1, wire.field(1, digest) + wire.field(2, size))
    client.send(wire.ENVELOPES, wire.route(1, wire.TO_SERVICE, wire.BLOBS))
    for _ in range(QUESTIONS):
        client.sequence += 1
        client.send(wire.ENVELOPES, client.envelope(wire.BLOB_GET, blob, 1))
    return client


def given_back(pid, before):
    return chaos.until(lambda: chaos.rss_mb(pid) - before <= KEPT_MB_MAX, 10)


def run(world):
    with world.cluster(nodes=1) as cluster:
        pid, address = cluster.pid(), chaos.place(cluster.addresses()[0][0])
        text = b"You must give it to others. " * 700_000
        document = world.folder("d", {"d.txt": text}) + "/d.txt"
        told = cluster.send("librarian/big", f"Remember the file {document}")
        chaos.hold(told.code == 0, f"a document of 19 MB is remembered: {told.words}")
        before = chaos.rss_mb(pid)

        def others(what):
            done = cluster.send("librarian/a", f"Remember: {what}.")
            chaos.hold(done.code == 0, f"the node answers others while {what}: {done.words}")

        with chaos.Peak(pid) as peak:
            clients = chaos.at_once(lambda _: send_unfinished(address, cluster.secret()),
                                    range(world.rounds), world.rounds)
            others("payloads do not end")
        ended = sum(getattr(c, "refused", False) for c in clients)
        for client in clients:
            client.close()
        back = given_back(pid, before)
        chaos.say(f"{world.rounds} clients with 120 MB of unfinished payloads each: {before:.0f} ->"
                  f" {peak.mb:.0f} MB, {ended} were closed; then {chaos.rss_mb(pid):.0f} MB")
        chaos.hold(peak.mb - before <= UNFINISHED_MB_MAX, "unfinished payloads of all clients take"
                   f" at most {UNFINISHED_MB_MAX} MB, not {peak.mb - before:.0f}")
        chaos.hold(back, f"all but {KEPT_MB_MAX} MB of it is given back within 10 s")

        digest = hashlib.sha256(text).digest()
        with chaos.Peak(pid) as peak:
            clients = [ask_unread(address, cluster.secret(), digest, len(text))
                       for _ in range(READERS)]
            for _ in range(4):
                time.sleep(1)
                others("answers are not read")
        for client in clients:
            client.close()
        back = given_back(pid, before)
        chaos.say(f"{READERS} clients that asked {QUESTIONS} times for 19 MB and do not read:"
                  f" {peak.mb:.0f} MB; then {chaos.rss_mb(pid):.0f} MB")
        chaos.hold(peak.mb - before <= UNREAD_MB_MAX, "answers that are not read take at most"
                   f" {UNREAD_MB_MAX} MB, not {peak.mb - before:.0f}")
        chaos.hold(back, f"all but {KEPT_MB_MAX} MB of it is given back within 10 s")
        chaos.hold(cluster.pid() == pid, "the node is the same process")


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
