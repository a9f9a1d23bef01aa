#!/usr/bin/env python3
"""tls_collector.py FOLDER: a collector of traces behind TLS, on a free port of 127.0.0.1.

Makes its own certificate, FOLDER/ca.pem, prints "https://127.0.0.1:PORT", and writes the body of
the n-th POST to FOLDER/n.otlp, whole or not at all. A signal ends it.
"""
import http.server
import os
import ssl
import subprocess
import sys

folder = sys.argv[1]
certificate = os.path.join(folder, "ca.pem")
key = os.path.join(folder, "key.pem")
subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
     "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
     "-keyout", key, "-out", certificate],
    check=True, stderr=subprocess.DEVNULL)


class Collector(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    taken = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Collector.taken += 1
        path = os.path.join(folder, f"{Collector.taken}.otlp")
        with open(path + ".part", "wb") as file:
            file.write(body)
        os.rename(path + ".part", path)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Collector)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(f"https://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
