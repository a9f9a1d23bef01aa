#!/usr/bin/env python3
"""Raw bytes for the listener of /metrics and /health: ambiguous requests, noise, and connections
that send little, read nothing or never leave.

Held: each request is answered according to HTTP/1.1 (RFC 9112) or refused, and a refusal ends the
connection. One connection serves 10,000 requests. Meanwhile everybody who asks for /health is
answered within a second. Names of agents and documents create no series and no line in /metrics.
"""
import collections
import contextlib
import re
import socket
import threading
import time

import chaoslib as chaos

ROUNDS, QUICK, ROUNDS_MEAN = 1500, 400, "mutated requests"
HOST = b"Host: x\r\n"
GET = b"GET /health HTTP/1.1\r\n"
HEALTH = GET + HOST + b"\r\n"
HEALTH_SECONDS_MAX = 1.0
HEADER_BYTES_MAX = 8192
REFUSED, UNKNOWN, LARGE, SERVED = {"400"}, {"400", "404"}, {"431", "414", "400"}, {"200"}
NO_METHOD = {"400", "405", "501"}
NAMES = ['a"b', "a\nb", 'x"} 1\ntroupe_evil{a="', "a\\", "a\\\"", "é€", "\u202e", "a/b/c", "..",
         "a{b}", "a,b", " ", "x" * 240, "%s%n", "<b>", "\x1b[31m", "\x7f", "$(id)"]
FILES = ['q"u.txt', "n\nl.txt", 'x"} 1', "esc\x1b[31m.txt", "b\\s.txt", "]]>.txt", "-rf"]
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\[\\"n])*"(,|(?=\}))'
METRIC = re.compile(r'^(#.*|[a-zA-Z_:][a-zA-Z0-9_:]*(\{(' + LABEL
                    + r')*\})? [-+0-9.eEInfNa]+( \d+)?)$')


def cases():
    """(what, request, the first status that must come)"""
    def header(text):
        return GET + HOST + text + b"\r\n\r\n"
    chunked, length = b"Transfer-Encoding: chunked", b"Content-Length: "
    yield "plain", HEALTH, SERVED
    yield "both lengths", header(length + b"5\r\n" + chunked) + b"hello", REFUSED
    yield "both, other order", header(chunked + b"\r\n" + length + b"5") + b"0\r\n\r\n", REFUSED
    yield "two lengths", header(length + b"1\r\n" + length + b"2"), REFUSED
    for value in (b"+1", b"-1", b"0x1", b"18446744073709551616", b"1, 1", b"1 1", b"", b"1;"):
        yield f"length {value!r}", header(length + value), REFUSED
    for value in (b"xchunked", b"identity", b"chunked, identity", b"chunked", b"Chunked",
                  b"gzip, chunked", b"chunked;q=1", b"\x0bchunked", b'"chunked"'):
        yield (f"coding {value!r}", header(b"Transfer-Encoding: " + value) + b"0\r\n\r\n",
               REFUSED | {"501"})
    yield "a space before the colon", header(b"Transfer-Encoding : chunked"), REFUSED
    yield ("coding in 1.0", b"GET /health HTTP/1.0\r\n" + chunked + b"\r\n\r\n0\r\n\r\n", REFUSED)
    yield "a folded line", header(b"X: a\r\n b"), REFUSED
    yield "folded by a tab", header(b"X: a\r\n\tb"), REFUSED
    yield "folded at once", GET + b" Host: x\r\n\r\n", REFUSED
    yield "no Host", GET + b"\r\n", REFUSED
    yield "two Hosts", GET + HOST + HOST + b"\r\n", REFUSED
    yield "1.0 without Host", b"GET /health HTTP/1.0\r\n\r\n", SERVED
    yield "absolute", b"GET http://other/health HTTP/1.1\r\n" + HOST + b"\r\n", SERVED
    yield "a body", header(length + b"5") + b"hello", REFUSED
    inner = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "a body that is a request", header(length + b"%d" % len(inner)) + inner, REFUSED
    for value in (b"http/1.1", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"HTTP/1.10", b"HTTP/11"):
        yield f"{value!r}", b"GET /health " + value + b"\r\n" + HOST + b"\r\n", REFUSED | {"505"}
    for value in (b"a\0b", b"a\x0bb", b"a\rb"):
        yield f"a header of {value!r}", header(b"X: " + value), REFUSED
    yield "LF, then CR LF", b"GET /health HTTP/1.1\nHost: x\r\n\r\n", REFUSED
    yield "a name that is not ASCII", header(b"X\xe9: a"), REFUSED
    yield "a space in the target", b"GET /hea lth HTTP/1.1\r\n" + HOST + b"\r\n", REFUSED
    yield "an empty line first", b"\r\n" + HEALTH, SERVED | REFUSED
    room = HEADER_BYTES_MAX - len(header(b"X: "))
    yield "8 KiB", header(b"X: " + b"a" * room), SERVED
    yield "8 KiB and a byte", header(b"X: " + b"a" * (room + 1)), LARGE
    yield "10,000 headers", GET + HOST + b"X: a\r\n" * 10_000 + b"\r\n", LARGE
    yield "a target of 1 MB", b"GET /" + b"a" * 10**6, LARGE
    for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"PATCH", b"get", b"PRI"):
        yield (f"{method!r}", method + b" /health HTTP/1.1\r\n" + HOST + b"\r\n", NO_METHOD)
    yield "CONNECT", b"CONNECT x:443 HTTP/1.1\r\n" + HOST + b"\r\n", NO_METHOD
    yield "OPTIONS *", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", NO_METHOD
    yield "GET *", b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", REFUSED
    for path in (b"/../etc/passwd", b"/metrics/", b"//metrics", b"/METRICS", b"/%6detrics",
                 b"/metrics%00", b"/health/../metrics", b"/a\xffb", b"/<script>"):
        yield f"{path!r}", b"GET " + path + b" HTTP/1.1\r\n" + HOST + b"\r\n", UNKNOWN
    yield ("a query", b"GET /health?x=%0d%0aSet-Cookie:a HTTP/1.1\r\n" + HOST + b"\r\n", SERVED)
    yield "HEAD", b"HEAD /health HTTP/1.1\r\n" + HOST + b"\r\n", SERVED
    yield "Connection: close", header(b"Connection: close"), SERVED
    yield "Expect", header(b"Expect: 100-continue"), SERVED | {"417", "100"}
    yield "Upgrade", header(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c"), SERVED


def raw(address, data, timeout=1.0, pause=None):
    """(statuses, how the connection ended, all bytes)"""
    got, end = b"", "closed"
    with socket.create_connection(address, timeout=timeout) as one:
        try:
            for i in range(0, len(data), 1 if pause else len(data)):
                one.sendall(data[i:i + 1] if pause else data)
                time.sleep(pause or 0)
            while more := one.recv(65536):
                got += more
        except TimeoutError:
            end = "open"
        except OSError:
            end = "reset"
    return [s.decode() for s in re.findall(rb"HTTP/1\.1 (\d+)", got)], end, got


def ask_wrong(address):
    def one(case):
        what, data, right = case
        seen, end, _ = raw(address, data, timeout=4 if len(data) > 10_000 else 1.0)
        if "reset" == end and not seen and len(data) > HEADER_BYTES_MAX * 2:
            return  # the refusal was lost behind unread data
        chaos.hold(len(seen) == 1 and seen[0] in right, f"{what}: {sorted(right)}, not {seen}")
        chaos.hold(seen[0] in ("200", "404") or end != "open",
                   f"{what}: a refused request ends its connection")
    every = list(cases())
    chaos.at_once(one, every, threads=8)
    seen, _, got = raw(address, b"HEAD /health HTTP/1.1\r\n" + HOST + b"\r\n")
    chaos.hold(got.endswith(b"\r\n\r\n"), "HEAD has no body")
    seen, _, _ = raw(address, b"GET /health HTTP/1.1\nHost: x\n\n")
    chaos.hold(seen in ([], ["400"]), f"lines that end in LF: {seen}")
    seen, _, _ = raw(address, HEALTH * 50)
    chaos.hold(seen == ["200"] * 50, f"50 pipelined requests have 50 answers, not {len(seen)}")
    seen, end, _ = raw(address, HEALTH + b"BAD\r\n\r\n" + HEALTH)
    chaos.hold(seen == ["200", "400"] and end != "open", f"nothing behind a wrong one: {seen}")
    seen, _, _ = raw(address, HEALTH, pause=0.002)
    chaos.hold(seen == ["200"], f"byte by byte: {seen}")
    return len(every) + 5


def reuse(address):
    with socket.create_connection(address, timeout=5) as one:
        file, served, begin = one.makefile("rb"), 0, time.monotonic()
        with contextlib.suppress(OSError):
            while served < 10_000:
                one.sendall(HEALTH)
                if not file.readline():
                    break
                size = 0
                while (line := file.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length"):
                        size = int(line.split(b":")[1])
                file.read(size)
                served += 1
    chaos.hold(served == 10_000, f"one connection serves 10,000 requests, not {served}")
    return served / (time.monotonic() - begin)


def mutate(world, address):
    base = GET + HOST + b"Accept: text/plain\r\nConnection: close\r\n\r\n"
    seen = collections.Counter()

    def one(data):
        statuses, end, _ = raw(address, data, timeout=0.1)
        seen[statuses[0] if statuses else "waits" if end == "open" else end] += 1
    many = []
    for _ in range(world.rounds):
        data = bytearray(base)
        for _ in range(world.random.randrange(1, 4)):
            at, how = world.random.randrange(len(data)), world.random.random()
            if how < .5:
                data[at] = world.random.randrange(256)
            elif how < .75:
                del data[at]
            else:
                data[at:at] = world.random.randbytes(world.random.randrange(1, 4))
        many.append(bytes(data))
    chaos.at_once(one, many, threads=8)
    return dict(seen)


def well(text, what):
    slowest = 0
    for _ in range(3):
        code, seconds = chaos.health(text)
        slowest = max(slowest, seconds)
        chaos.hold(code == 200 and seconds <= HEALTH_SECONDS_MAX,
                   f"{what}: /health within {HEALTH_SECONDS_MAX} s: {code}, {seconds:.1f} s")
    return f"{what} {slowest * 1000:.0f} ms"


@contextlib.contextmanager
def connections(address, count, words, answer=False, buffer=None):
    many = []
    for _ in range(count):
        one = socket.socket()
        if buffer:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        one.settimeout(2)
        with contextlib.suppress(OSError):
            one.connect(address)
            one.sendall(words)
            if answer:
                one.recv(4096)
        many.append(one)
    yield
    for one in many:
        one.close()


@contextlib.contextmanager
def dripping(address, count):
    """Many peers that begin a request, add a line each second, and reconnect when closed."""
    stop = threading.Event()

    def drip():
        while not stop.is_set():
            with contextlib.suppress(OSError), socket.create_connection(address, 5) as one:
                one.sendall(GET)
                while not stop.wait(1):
                    one.sendall(b"X: a\r\n")
    all_of_them = [chaos.Background(drip) for _ in range(count)]
    time.sleep(1)
    yield
    stop.set()
    for one in all_of_them:
        one.result()


def exhaust(address, text):
    shown = []
    with connections(address, 800, b""):
        shown.append(well(text, "800 that say nothing"))
    with connections(address, 70, HEALTH, answer=True):
        shown.append(well(text, "70 idle"))
    with dripping(address, 100):
        shown.append(well(text, "100 dripping"))
    metrics = b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n"
    with connections(address, 20, metrics * 200, buffer=2048):
        shown.append(well(text, "20 that do not read"))
    return "; ".join(shown)


def name_badly(world, cluster, address):
    for name in NAMES:
        cluster.send("librarian/" + name, "Remember: a name.")
    text = "Giving the program to others is fine. You must keep notices in file %d."
    folder = world.folder("names", {name: text % i for i, name in enumerate(FILES)})
    done = cluster.digest(folder)
    chaos.hold(done.code == 0, f"files of odd names are read: {done.words}")
    chaos.hold("\x1b" not in done.out, "no name steers a terminal")
    _, _, got = raw(address, b"GET /metrics HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n", 5)
    lines = got.split(b"\r\n\r\n", 1)[1].decode(errors="replace").splitlines()
    for line in lines:
        chaos.hold(not line or METRIC.match(line), f"/metrics is well-formed: {line!r}")
        chaos.hold(not line.startswith("troupe_evil") and "librarian/" not in line,
                   f"no name of an agent is in /metrics: {line!r}")
    chaos.hold(cluster.nodes() != {}, "`status --json` is JSON")
    return len(lines)


def run(world):
    with world.cluster(nodes=1) as cluster:
        text, pid = cluster.addresses()[1][0], cluster.pid()
        address = chaos.place(text)
        chaos.say(f"{ask_wrong(address)} requests answered as they must be;"
                  f" {reuse(address):.0f} a second on one connection")
        chaos.say(f"{world.rounds} mutated requests: {mutate(world, address)}")
        chaos.say(f"/health at worst: {exhaust(address, text)}")
        chaos.say(f"{name_badly(world, cluster, address)} lines of /metrics are well-formed")
        chaos.hold(cluster.pid() == pid, "the node is the same process")
        cluster.check_log()


if __name__ == "__main__":
    raise SystemExit(chaos.main(__doc__, run, ROUNDS, ROUNDS_MEAN))
