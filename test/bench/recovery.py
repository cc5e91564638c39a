"""Measures how soon a dead worker's task is claimed by another, and how soon cancelled work stops; test/bench/recovery
calls it.

Two workers. In one half of the tries the other worker is idle, in the other half it reads a document of its own and
cannot help: then the launcher has to start a worker first. The time runs from the signal, or from the last moment that a
worker was seen alive which ends by an error, to the time that the next claim notes down.
"""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = next((REPOSITORY / "test/data").rglob("multipage.pdf"))


class Server:
    """A throw-away server; queries go through one psql each."""

    def __init__(self, directory, pg_config):
        self.directory = directory
        self.psql = pathlib.Path(subprocess.check_output([pg_config, "--bindir"], text=True).strip(), "psql")
        self.socket = subprocess.check_output(
            [REPOSITORY / "scripts/throwaway-cluster", "start", directory, "pg_ocr.workers = 2", "pg_ocr.max_attempts = 100",
             "pg_ocr.document_timeout = 0"], text=True).strip()
        self.sql("CREATE EXTENSION pg_ocr")

    def try_sql(self, query):
        """None: the server is restarting."""
        ran = subprocess.run([self.psql, "-h", self.socket, "-U", "postgres", "-XqAt", "-v", "ON_ERROR_STOP=1", "postgres"],
                             input=query, text=True, capture_output=True, check=False)
        return ran.stdout.strip() if ran.returncode == 0 else None

    def sql(self, query):
        answer = self.try_sql(query)
        if answer is None:
            sys.exit(f"failed: {query}")
        return answer

    def wait_for(self, query):
        """The first answer that is not empty."""
        for _ in range(12000):
            answer = self.try_sql(query)
            if answer:
                return answer
            time.sleep(0.01)
        sys.exit(f"waited in vain for: {query}")

    def stop(self):
        subprocess.run([REPOSITORY / "scripts/throwaway-cluster", "stop", self.directory], check=True)


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def terminate_backend(server, pid):
    now = server.sql(f"SELECT extract(epoch FROM clock_timestamp()) FROM pg_terminate_backend({pid})")
    return float(now)


def send(which):
    def end(_, pid):
        now = time.time()
        os.kill(pid, which)
        return now
    return end


def end_by_error(server, pid):
    """A worker that can neither record a page, nor a failure, nor give its task back, ends."""
    server.sql(f"""CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN
            IF pg_backend_pid() = {pid} THEN RAISE ''no room''; END IF; RETURN new; END';
        CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON ocr.pages FOR EACH ROW EXECUTE FUNCTION refuse();
        CREATE OR REPLACE TRIGGER refuse BEFORE UPDATE ON ocr.tasks FOR EACH ROW EXECUTE FUNCTION refuse()""")
    now = time.time()
    while is_alive(pid):
        now = time.time()
        time.sleep(0.0005)
    return now


def restart(_, pid):
    """The same, but what PostgreSQL takes to recover is left out: the launcher is the first process after it."""
    os.kill(pid, signal.SIGKILL)


DEATHS = {
    "pg_terminate_backend": terminate_backend,
    "SIGTERM": send(signal.SIGTERM),
    "an error of its own": end_by_error,
    "kill -9, which restarts the server": send(signal.SIGKILL),
    "… from when the server is up again": restart,
}

VICTIM = """SELECT w.pid, t.id, t.fence FROM ocr.workers w JOIN ocr.tasks t USING (job_id)
    JOIN pg_stat_activity a ON a.pid = w.pid WHERE t.fence IS NOT NULL AND w.page_no > 0"""


def recovery_times(server, end, busy, tries):
    """Seconds. A worker that ends within a second of its start is replaced a second later, so each is left to live on first."""
    times = []
    while len(times) < tries:
        server.wait_for("SELECT 't' FROM ocr.workers HAVING count(*) = 2 AND bool_and(state IN ('idle', 'reading'))")
        reading = 2 if busy else 1
        server.wait_for(f"""SELECT count(ocr_submit(pg_read_binary_file('{server.document}'), text_layer => 'ignore'))
            FROM generate_series(1, {reading} - (SELECT count(*) FROM ocr.jobs WHERE status IN ('pending', 'running'))) HAVING true""")
        found = server.wait_for(f"""SELECT * FROM ({VICTIM} AND a.backend_start < now() - interval '1.5 s') AS v
            WHERE (SELECT count(*) FROM ({VICTIM}) AS r) = {reading} LIMIT 1""")
        pid, task, fence = map(int, found.split("|"))
        ended = end(server, pid)
        answer = server.wait_for(f"""SELECT CASE WHEN t.fence = {fence} OR t.fence IS NULL THEN NULL
                WHEN t.id IS NULL THEN 'gone' ELSE extract(epoch FROM t.claimed_at)::text END
            FROM (SELECT) AS always LEFT JOIN ocr.tasks t ON t.id = {task}
            WHERE t.id IS NULL OR t.fence <> {fence}""")
        if answer != "gone":
            if end is restart:
                ended = float(server.sql("""SELECT extract(epoch FROM backend_start) FROM pg_stat_activity
                    WHERE backend_type = 'pg_ocr launcher'"""))
            times.append(float(answer) - ended)
    return sorted(times)


def until_gone(pid, since):
    while is_alive(pid):
        time.sleep(0.0005)
    return time.time() - since


def cancel_job(server):
    """From the start of a psql that calls ocr_cancel to the end of the engine."""
    job = server.sql(f"SELECT ocr_submit(pg_read_binary_file('{server.document}'), text_layer => 'ignore',"
                     " options => '{\"reuse\": false}')")
    engine = int(server.wait_for(f"SELECT engine_pid FROM ocr.workers WHERE job_id = {job} AND page_no > 0"))
    cancelled = time.time()
    server.sql(f"SELECT ocr_cancel({job})")
    return until_gone(engine, cancelled)


def cancel_query(server):
    """From the start of a psql that calls pg_cancel_backend to the end of the engine of a query that runs ocr()."""
    query = subprocess.Popen([server.psql, "-h", server.socket, "-U", "postgres", "-XqAtc",
                              f"SELECT ocr(pg_read_binary_file('{server.document}'), text_layer => 'ignore')", "postgres"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    backend = int(server.wait_for("SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT ocr(%'"))
    while not (children := pathlib.Path(f"/proc/{backend}/task/{backend}/children").read_text().split()):
        time.sleep(0.001)
    time.sleep(0.3)  # into a page
    cancelled = time.time()
    server.sql(f"SELECT pg_cancel_backend({backend})")
    gone = until_gone(int(children[0]), cancelled)
    query.wait()
    return gone


def main():
    tries = int(sys.argv[1])
    server = Server(tempfile.mktemp(prefix="pg_ocr_recovery.", dir="/tmp"), os.environ["PG_CONFIG"])
    try:
        server.document = pathlib.Path(server.directory, DOCUMENT.name)
        server.document.write_bytes(DOCUMENT.read_bytes())
        server.document.chmod(0o644)
        print(f"{'a worker dies by':36} {'the other is':12} {'tries':>5} {'p50 ms':>8} {'max ms':>8}", flush=True)
        for name, end in DEATHS.items():
            for busy in False, True:
                times = recovery_times(server, end, busy, tries)
                print(f"{name:36} {'reading' if busy else 'idle':12} {len(times):5} {times[len(times) // 2] * 1000:8.0f} "
                      f"{times[-1] * 1000:8.0f}", flush=True)
                server.wait_for("""SELECT 't' FROM (SELECT count(ocr_cancel(id)) FROM ocr.jobs WHERE status IN ('pending', 'running')) c""")
        print(f"\n{'what stops the engine':49} {'tries':>5} {'p50 ms':>8} {'max ms':>8}")
        for name, cancel in {"ocr_cancel": cancel_job, "pg_cancel_backend of a query with ocr()": cancel_query}.items():
            times = sorted(cancel(server) for _ in range(tries))
            print(f"{name:49} {len(times):5} {times[len(times) // 2] * 1000:8.0f} {times[-1] * 1000:8.0f}", flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()
