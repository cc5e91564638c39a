"""Measures webhooks; test/bench/deliveries calls it.

The events are written straight into the outbox, for one finished job, so that nothing but their delivery is measured. The
receiver is that of the tests: it verifies each signature, and fails the same attempts in each run. Where deliveries wait
for their next attempt they are made due, as waiting would take a day. Latencies are from the commit of an event to its
delivery as the outbox has it.
"""
import base64
import collections
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
SECRET = "whsec_" + base64.b64encode(b"a secret of this measurement....").decode()
PENDING = "SELECT count(*) FROM ocr.deliveries WHERE status = 'pending'"


class Receiver:
    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.record = pathlib.Path(folder, "received")
        self.record.touch()
        self.process = subprocess.Popen(
            ["node", REPOSITORY / "test/stores/receiver.mjs", str(self.port), SECRET, self.record])
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)

    def received(self):
        return [json.loads(line) for line in self.record.read_text(encoding="utf-8").splitlines()]

    def stop(self):
        self.process.kill()
        self.process.wait()


class Server:
    """A throw-away server without workers; queries go through one psql each."""

    def __init__(self, directory, pg_config, receiver):
        self.directory = directory
        self.receiver = receiver
        self.psql = pathlib.Path(subprocess.check_output([pg_config, "--bindir"], text=True).strip(), "psql")
        self.socket = subprocess.check_output(
            [REPOSITORY / "scripts/throwaway-cluster", "start", directory, "pg_ocr.workers = 0"], text=True).strip()
        self.sql("""CREATE EXTENSION pg_ocr;
            SELECT ocr_cancel(ocr_submit('\\x01'::bytea, run_at => now() + '1 h'))""")

    def sql(self, query):
        return subprocess.run(
            [self.psql, "-h", self.socket, "-U", "postgres", "-XqAt", "-v", "ON_ERROR_STOP=1", "postgres"],
            input=query, text=True, capture_output=True, check=True).stdout.strip()

    def declare(self, name, path, **options):
        given = {"url": f"http://127.0.0.1:{self.receiver.port}{path}", "allow_private_addresses": "true", **options}
        self.sql(f"""CREATE SERVER {name} FOREIGN DATA WRAPPER ocr_webhook
            OPTIONS ({", ".join(f"{key} '{value}'" for key, value in given.items())});
            CREATE USER MAPPING FOR PUBLIC SERVER {name} OPTIONS (secret '{SECRET}')""")

    def emit(self, webhook, count):
        self.sql(f"""INSERT INTO ocr.deliveries (owner, job_id, webhook, event, payload)
            SELECT 'postgres', j.id, '{webhook}', 'job.cancelled', ocr.event_payload(j, 'job.cancelled')
            FROM ocr.jobs j, generate_series(1, {count});
            SELECT ocr.wake_courier()""")

    def wait_for(self, query):
        while self.sql(query) != "t":
            time.sleep(0.05)

    def forget(self):
        self.sql("DELETE FROM ocr.deliveries")

    def stop(self):
        subprocess.run([REPOSITORY / "scripts/throwaway-cluster", "stop", self.directory], check=True)


def per_second(server, webhooks, count):
    """Between the first answer and the last."""
    for webhook in webhooks:
        server.emit(webhook, count // len(webhooks))
    server.wait_for(f"SELECT ({PENDING}) = 0")
    rate = server.sql("""SELECT round(count(*) / extract(epoch FROM max(delivered_at) - min(delivered_at)))
        FROM ocr.deliveries WHERE status = 'delivered'""")
    server.forget()
    return int(rate)


def ends_of_failing(server, count):
    """What is pending after an attempt is made due at once, until nothing is."""
    server.emit("failing", count)
    while server.sql(PENDING) != "0":
        server.sql("""UPDATE ocr.deliveries SET run_at = now() WHERE status = 'pending' AND run_at > now();
            SELECT ocr.wake_courier()""")
        time.sleep(0.2)
    ends = dict(line.split("|") for line in server.sql(
        "SELECT status, count(*) FROM ocr.deliveries GROUP BY 1").splitlines())
    attempts = server.sql("SELECT attempts, count(*) FROM ocr.deliveries GROUP BY 1 ORDER BY 1").splitlines()
    return ends, attempts


def latencies(server, others, rounds):
    """Milliseconds: the median, the 99th of 100, and the worst, of single events to each of the others in turn."""
    for _ in range(rounds):
        for other in others:
            server.emit(other, 1)
    server.wait_for(f"SELECT ({PENDING} AND webhook <> 'slow') = 0")
    row = server.sql("""SELECT percentile_disc(ARRAY[0.5, 0.99, 1]) WITHIN GROUP (ORDER BY ms) FROM (
        SELECT round(1000 * extract(epoch FROM delivered_at - created_at), 1) AS ms FROM ocr.deliveries
        WHERE status = 'delivered') AS taken""")
    return row.strip("{}").split(",")


def main():
    count = int(sys.argv[1])
    print(f"load of the machine before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    folder = tempfile.mkdtemp(dir="/tmp")
    receiver = Receiver(folder)
    server = Server(f"{folder}.db", os.environ["PG_CONFIG"], receiver)
    try:
        others = [f"other{n}" for n in range(10)]
        for name in ["one", *others]:
            server.declare(name, "/ok")
        server.declare("failing", "/fail/30")
        server.declare("slow", "/hang", timeout="600")
        print(f"to one receiver's webhook: {per_second(server, ['one'], count)} deliveries per second")
        print(f"to ten of them: {per_second(server, others, count)} deliveries per second")

        before = len(receiver.received())
        ends, attempts = ends_of_failing(server, count)
        answers = receiver.received()[before:]
        got = collections.Counter(answer["id"] for answer in answers if answer["status"] == 204)
        print(f"{count} deliveries of which 30 % of the attempts fail end as: {ends}")
        print(f"  by attempts: {', '.join(attempts)}")
        print(f"  the receiver took {len(got)} different ones, {sum(n - 1 for n in got.values())} of them again, in "
              f"{len(answers)} attempts; {sum(answer['verified'] is not True for answer in answers)} were not verified")
        server.forget()

        print("latency of ten others' single events, ms (median, 99th of 100, worst):")
        print("  alone:", *latencies(server, others, 10))
        server.forget()
        server.emit("slow", count)
        server.wait_for("SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pg_ocr courier'")
        print(f"  with {count} that wait for a receiver that does not answer:", *latencies(server, others, 10))
    finally:
        server.stop()
        receiver.stop()


main()
