#!/usr/bin/env python3
"""A server with OpenAI's chat API that keeps what it was asked, for tests of our client.

  openai_api.py KEY LOG     prints its address; writes each request as a JSON line to LOG

It answers with the last user message in upper case, a word at a time if streamed. Requests without
KEY get 401, and the answer repeats the key that came, as some servers do. So do the errors of three
models: `leaks` (status 200, in a stream if it was asked for one), `breaks` (500), `refuses` (401).
`hangs` answers nothing until its client has gone. All else that providers do is in `troupe
simulate`.
"""
import http.server
import json
import sys
import threading

KEY, LOG = sys.argv[1:3]
written = threading.Lock()


def last_user_text(asked):
    content = [m for m in asked["messages"] if m["role"] == "user"][-1]["content"]
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        with written, open(LOG, "a", encoding="utf-8") as log:
            log.write(json.dumps({"path": self.path, "key_ok": key == KEY, "body": asked}) + "\n")
        if key != KEY:
            return self.whole(401, {"error": {"message": f"Incorrect API key provided: {key}",
                                              "type": "invalid_request_error"}})
        self.answer(asked, key)
        return None

    def answer(self, asked, key):
        said = {"error": {"message": f"the key {key} was not liked", "type": "odd_error"}}
        if asked["model"] == "leaks" and asked.get("stream"):
            self.begin_stream()
            self.event(json.dumps(said))
            self.wfile.write(b"0\r\n\r\n")
        elif asked["model"] == "hangs":
            self.rfile.read(1)
            self.close_connection = True
        elif asked["model"] in ("leaks", "breaks", "refuses"):
            self.whole({"leaks": 200, "breaks": 500, "refuses": 401}[asked["model"]], said)
        else:
            self.openai(asked)

    def openai(self, asked):
        words, model = last_user_text(asked).upper().split(" "), asked["model"]
        if not asked.get("stream"):
            usage = {"prompt_tokens": 5, "completion_tokens": len(words), "total_tokens": 9}
            said = {"role": "assistant", "content": " ".join(words)}
            return self.whole(200, {"id": "c1", "object": "chat.completion", "model": model,
                                    "choices": [{"index": 0, "finish_reason": "stop",
                                                 "message": said}], "usage": usage})
        self.begin_stream()
        for word in words:
            self.event(json.dumps({"id": "c1", "object": "chat.completion.chunk", "model": model,
                                   "choices": [{"index": 0, "delta":
                                                {"content": word + " " * (word != words[-1])}}]}))
        self.event(json.dumps({"id": "c1", "object": "chat.completion.chunk", "model": model,
                               "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}))
        self.event(json.dumps({"id": "c1", "object": "chat.completion.chunk", "model": model,
                               "choices": [], "usage": {"prompt_tokens": 5, "completion_tokens":
                                                        len(words), "total_tokens": 9}}))
        self.event("[DONE]")
        self.wfile.write(b"0\r\n\r\n")
        return None

    def whole(self, status, answer):
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", len(body))
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def event(self, data):
        text = f"data: {data}\n\n".encode()
        self.wfile.write(f"{len(text):x}\r\n".encode() + text + b"\r\n")

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
