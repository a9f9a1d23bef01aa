#!/usr/bin/env python3
"""What a Jaeger knows about one trace, by its query API.

  jaeger_trace.py URL TRACE|last

Exit code 1 if it does not know the trace, 69 if it does not answer. Spans arrive a moment after the
work they describe, so it is asked for a few seconds.
"""
import collections
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

SERVICES = "troupe"  # and "troupe/node-1", "troupe-cli": telemetry.service_name
PATIENCE_S = 5
PAUSE_S = 0.2


def ask(url):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return json.load(answer).get("data") or []
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return []
        raise


def last(url):
    """The trace of any of our services that began last."""
    found = []
    for service in ask(f"{url}/api/services"):
        if service.startswith(SERVICES):
            named = urllib.parse.quote(service, safe="")
            found += ask(f"{url}/api/traces?service={named}&limit=1")
    return sorted(found, key=lambda t: -min(s["startTime"] for s in t["spans"]))


def find(url, wanted):
    end = time.monotonic() + PATIENCE_S
    while True:
        found = last(url) if wanted == "last" else ask(f"{url}/api/traces/{wanted}")
        if found or time.monotonic() >= end:
            return found[0] if found else None
        time.sleep(PAUSE_S)


def node_of(process):
    tags = {tag["key"]: tag["value"] for tag in process.get("tags", [])}
    named = tags.get("troupe.node.name") or tags.get("service.instance.id")
    return named or process.get("serviceName", "?")


def count_of(count, one):
    """The count with its noun: "1 span", "2 spans"."""
    return f"{count} {one}{'' if count == 1 else 's'}"


def find_or_exit(program, url, wanted):
    try:
        trace = find(url, wanted)
    except (OSError, ValueError) as error:
        print(f"{program}: no answer from {url}: {error}", file=sys.stderr)
        sys.exit(69)
    if trace is None:
        print(f"{program}: Jaeger at {url} does not know the trace {wanted}", file=sys.stderr)
        sys.exit(1)
    return trace


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    url, wanted = sys.argv[1:]
    trace = find_or_exit("jaeger_trace.py", url, wanted)
    spans = trace["spans"]
    roots = [s for s in spans if not s["references"]]
    print(f"trace {trace['traceID']}: {count_of(len(spans), 'span')} of "
          + f"{count_of(len(trace['processes']), 'node')}, "
          + ", ".join(f"{s['operationName']} {s['duration'] / 1000:.1f} ms" for s in roots))
    for key, process in sorted(trace["processes"].items(), key=lambda p: node_of(p[1])):
        names = collections.Counter(s["operationName"].split("[")[0] for s in spans
                                    if s["processID"] == key)
        print(f"  {node_of(process)}: " + ", ".join(f"{n} {w}" for w, n in names.most_common()))
    print(f"all of it: {url}/api/traces/{trace['traceID']}")


if __name__ == "__main__":
    main()
