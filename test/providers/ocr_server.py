"""A server that reads what is posted to it, with the program `tesseract`, and answers in JSON of its own; for the tests of
providers. The path says how it answers; a GET of /requests has their number so far, of /hanging how many of those to /hang
wait. Prints its port."""
import gzip
import http.server
import json
import subprocess
import sys
import threading

TOKEN = "open sesame, please"


def read(image):
    """Words with their boxes, by lines."""
    table = subprocess.run(["tesseract", "-", "-", "tsv"], input=image, capture_output=True, check=True).stdout.decode()
    rows = [row.split("\t") for row in table.splitlines()[1:]]
    size = next((int(r[8]), int(r[9])) for r in rows if r[0] == "1")
    return size, [(r[11], float(r[10]), *map(int, r[6:10])) for r in rows if r[0] == "5" and r[11].strip()]


def edges(image):
    _, words = read(image)
    return {"pages": [{"words": [{"text": t, "confidence": c, "box": [x, y, x + w, y + h]} for t, c, x, y, w, h in words]}]}


def shares(image):
    """Corners as shares of the page, confidences from 0 to 1."""
    (width, height), words = read(image)
    return {"result": [{"description": t, "score": c / 100,
                        "bounds": {"vertices": [{"x": a / width, "y": b / height} for a, b in
                                                ((x, y), (x + w, y), (x + w, y + h), (x, y + h))]}}
                       for t, c, x, y, w, h in words]}


def outside(_):
    return {"pages": [{"words": [
        {"text": "half", "confidence": 400, "box": [-50, -50, 40, 40]},
        {"text": "far", "confidence": 90, "box": [1e9, 1e9, 2e9, 2e9]},
        {"text": "inverted", "confidence": 90, "box": [50, 50, 10, 10]},
        {"text": "wordless box", "confidence": 90, "box": "none"},
        {"text": "two words", "confidence": -3, "box": {"x": 10, "y": 60, "width": 90, "height": 20}},
        {"confidence": 1}]}]}


def crowd(_):
    """As many words as an answer may have, all in one place, then on lines that overlap."""
    return {"pages": [{"words": [{"text": "w%d" % n, "box": [n % 7, n % 11, 300 + n % 13, 400 + n % 17]} for n in range(100000)]}]}


def as_text(words):
    return ('{"pages": [{"words": [%s]}]}' % words).encode()


# What a server answers with that is broken or means harm.
ODD = {
    "/garbage": b"<html>\x00\xff welcome",
    "/empty": b"",
    "/deep": b"[" * 1000000,
    "/huge": b'{"pages": "' + b"x" * (17 << 20) + b'"}',
    "/gzip": gzip.compress(as_text('{"text": "a", "box": [1, 1, 90, 90]}')),
    "/quota": b'{"error": {"code": 8, "message": "quota exceeded"}}',
    "/nul": as_text('{"text": "a\\u0000b", "box": [1, 1, 90, 90]}'),
    "/latin": as_text('{"text": "M\u00fcller", "box": [1, 1, 90, 90]}').decode().encode("latin-1"),
    "/many": as_text(("1," * 200000) + "1"),
    "/digits": as_text(",".join(['{"text": 1e131071, "box": [1e131071, 1, 9, 9], "confidence": 1e131071}'] * 9000)),
    "/boxless": as_text('{"text": "a", "box": [' + "1," * 1000000 + '1]}'),
}


class Handler(http.server.BaseHTTPRequestHandler):
    requests = 0
    hanging = 0
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def answer(self, status, body, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, str(Handler.hanging if self.path == "/hanging" else Handler.requests).encode())

    def hang(self, step):
        """As long as who asked waits."""
        with Handler.lock:
            Handler.hanging += 1
        try:
            self.connection.settimeout(0.2)
            while True:
                step()
                try:
                    if not self.connection.recv(1):
                        break
                except TimeoutError:
                    pass
        finally:
            with Handler.lock:
                Handler.hanging -= 1

    def drip(self):
        self.wfile.write(b" ")
        self.wfile.flush()

    def do_POST(self):
        image = self.rfile.read(int(self.headers["Content-Length"]))
        Handler.requests += 1
        assert image.startswith(b"\x89PNG") and self.headers["Content-Type"] == "image/png", "no image"
        path = self.path
        if path == "/secret" and self.headers["Authorization"] != "Bearer " + TOKEN:
            self.answer(401, ("who is " + str(self.headers["Authorization"])).encode())
        elif path == "/500":
            self.answer(500, b"the engine stumbled")
        elif path == "/429":
            self.answer(429, b"", Retry_After="1")
        elif path == "/403":
            self.answer(403, b"no")
        elif path == "/302":
            self.answer(302, b"", Location="http://127.0.0.1:1/elsewhere")
        elif path == "/hang":
            self.hang(lambda: None)
        elif path == "/drip":
            self.send_response(200)
            self.end_headers()
            self.hang(self.drip)
        elif path in ODD:
            self.answer(200, ODD[path], Content_Encoding="gzip" if path == "/gzip" else "identity", Content_Type="image/png")
        elif path == "/crowd":
            self.answer(200, json.dumps(crowd(image)).encode())
        elif path == "/shares":
            self.answer(200, json.dumps(shares(image)).encode())
        elif path == "/outside":
            self.answer(200, json.dumps(outside(image)).encode())
        else:
            self.answer(200, json.dumps(edges(image)).encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
server.handle_error = lambda *_: None  # who asked has gone
print(server.server_port)
sys.stdout.flush()
server.serve_forever()
