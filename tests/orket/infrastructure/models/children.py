"""What a local model's server is replaced by in tests: it takes the same input and serves less."""

CHILD = """
import json, os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

given = json.loads(sys.stdin.readline())
if given["name"] == "broken":
    sys.exit("these weights are no weights")

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        known = self.headers["authorization"] == "Bearer " + given["key"]
        if given["name"] == "mortal":
            os._exit(1)
        self.send_response(200 if known else 401)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        text = json.dumps([os.getpid(), sorted(os.environ), given["threads"]])
        delta = {"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": "stop"}]}
        self.wfile.write(b"data: " + json.dumps(delta).encode() + b"\\n\\ndata: [DONE]\\n\\n")

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
import threading
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
os._exit(0)
"""
