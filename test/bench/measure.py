"""Measures pg_ocr against its neighbours, on the same pages, on this machine, in one run; test/bench/run calls it.

Every reader gets all cores: pg_ocr a worker each, tesseract and OCRmyPDF a process each, with one thread. Text layers
are ignored everywhere. CPU is what the processes used, in user and system mode; memory is the highest sum of what
their processes hold (proportional set size), sampled ten times a second.

Then dense pages, as images: through the database, by our engine alone with its own recogniser and with Tesseract's, and
by the program tesseract. They take turns, and the best of each counts, since what else runs on a machine only ever slows.
"""
import collections
import concurrent.futures
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
CORES = len(os.sched_getaffinity(0))
DOCUMENTS = ["multipage.pdf", "linn.pdf", "skew.pdf", "edgar.pdf", "edgar_image.pdf", "typewriter.png", "phototest.tif", "testocr.jpg"]
DENSE = ["linn.pdf", "jbig2.pdf", "skew.pdf", "edgar.pdf", "edgar_image.pdf", "multicolumn.pdf"]
ROUNDS, TIMES = 3, 4
TICK = os.sysconf("SC_CLK_TCK")
ONE_THREAD = dict(os.environ, OMP_THREAD_LIMIT="1")


def run(*command, **how):
    how.setdefault("check", True)
    how.setdefault("capture_output", True)
    how.setdefault("text", True)
    try:
        return subprocess.run([str(part) for part in command], **how).stdout
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{error.stdout or ''}{error.stderr or ''}")


# What processes use.


def processes_under(root):
    """The pids of root and all its descendants."""
    children = collections.defaultdict(list)
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                children[int(stat_of(entry)[1])].append(int(entry))
            except (OSError, IndexError):
                pass
    found = [root]
    for pid in found:
        found.extend(children[pid])
    return found


def stat_of(pid):
    """The fields of /proc/PID/stat after the name: state, parent, …"""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
        return stat.read().rpartition(")")[2].split()


def cpu_of(root):
    """Seconds of CPU of a tree of processes, those that have ended and were waited for included."""
    ticks = 0
    for pid in processes_under(root):
        try:
            ticks += sum(map(int, stat_of(pid)[11:15]))
        except OSError:
            pass
    return ticks / TICK


def memory_of(root):
    """Bytes that a tree of processes holds; what is shared is counted once."""
    total = 0
    for pid in processes_under(root):
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
                total += next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
        except (OSError, StopIteration):
            pass
    return total * 1024


class Measured:
    """The time, the CPU and the peak memory of what is done within. Of this process' children, or of a server's tree."""

    def __init__(self, server_pid=None):
        self.server_pid = server_pid
        self.peak = 0
        self.done = threading.Event()

    def cpu_now(self):
        if self.server_pid:
            return cpu_of(self.server_pid)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    def watch(self):
        own = os.getpid()
        while not self.done.wait(0.1):
            if self.server_pid:
                self.peak = max(self.peak, memory_of(self.server_pid))
            else:
                self.peak = max(self.peak, memory_of(own) - memory_of_process(own))

    def __enter__(self):
        self.cpu = self.cpu_now()
        self.started = time.monotonic()
        self.watcher = threading.Thread(target=self.watch)
        self.watcher.start()
        return self

    def __exit__(self, *_):
        self.seconds = time.monotonic() - self.started
        self.done.set()
        self.watcher.join()
        self.cpu = self.cpu_now() - self.cpu


def memory_of_process(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) * 1024


# The server.


class Server:
    """A throw-away server; queries go through one psql each."""

    def __init__(self, directory, pg_config):
        self.directory = directory
        self.bin = pathlib.Path(run(pg_config, "--bindir").strip())
        self.socket = run(REPOSITORY / "scripts/throwaway-cluster", "start", directory, "pg_ocr.workers = 0",
                          "track_commit_timestamp = on", "shared_buffers = 256MB", "max_wal_size = 4GB").strip()
        self.pid = int(self.sql("SELECT pid FROM (SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1) AS pid) p"))
        self.sql("CREATE EXTENSION pg_ocr")

    def sql(self, query):
        return run(self.bin / "psql", "-h", self.socket, "-U", "postgres", "-XqAt", "-v", "ON_ERROR_STOP=1", "postgres",
                   input=query).strip()

    def wait_until(self, query):
        while self.sql(query) != "t":
            time.sleep(0.02)

    def set_workers(self, count):
        self.sql(f"ALTER SYSTEM SET pg_ocr.workers = {count}; SELECT pg_reload_conf()")
        self.wait_until(f"SELECT count(*) = {count} AND bool_and(state = 'idle') IS NOT FALSE FROM ocr.workers WHERE state <> 'ended'")

    def latencies(self, script, count, settings=""):
        """Milliseconds of each of so many runs of an SQL script, one after the other in one session, as pgbench logs them."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "script.sql")
            path.write_text(script)
            run(self.bin / "pgbench", "-h", self.socket, "-U", "postgres", "-n", "-M", "prepared", "-t", count, "-l",
                f"--log-prefix={folder}/log", "-f", path, "postgres", env=dict(os.environ, PGOPTIONS=settings))
            return [int(line.split()[2]) / 1000 for log in pathlib.Path(folder).glob("log*") for line in log.open()]

    def stop(self):
        run(REPOSITORY / "scripts/throwaway-cluster", "stop", self.directory)


# The readers. Each takes documents, writes OUT/<name>.txt, and returns what was measured.


def read_with_pg_ocr(server, documents, out):
    for document in documents:
        target = pathlib.Path(server.directory, document.name)
        shutil.copy(document, target)
        target.chmod(0o644)
    server.set_workers(CORES)
    names = [document.name for document in documents]
    with Measured(server.pid) as measured:
        jobs = {}
        for name in names:
            jobs[name] = server.sql(f"SELECT ocr_submit(pg_read_binary_file('{server.directory}/{name}'), text_layer => 'ignore',"
                                   " options => '{\"reuse\": false}')")
        # One session that waits: sessions that poll would be counted as the server's work.
        server.sql("".join(f"SELECT status FROM ocr_wait({job}, '1 day');" for job in jobs.values()))
    for name, job in jobs.items():
        if server.sql(f"SELECT status FROM ocr_status({job})") != "completed":
            sys.exit(f"pg_ocr could not read {name}: " + server.sql(f"SELECT error FROM ocr_status({job})"))
        (out / f"{name}.txt").write_text(server.sql(f"SELECT ocr_text({job})"))
    server.pages = int(server.sql("SELECT sum(pages_done) FROM ocr.jobs"))
    server.set_workers(0)
    return measured


def read_with_bare_engine(engine, tessdata, recogniser, documents, out, engines=CORES):
    with Measured() as measured:
        said = run(REPOSITORY / "build/bare_engine", engine, tessdata, engines, recogniser, out, *documents)
    measured.pages, *measured.engine_memory = map(int, said.split())
    return measured


def in_parallel(read, documents, out):
    """A process per core, each taking the next document when it has ended one."""
    with Measured() as measured, concurrent.futures.ThreadPoolExecutor(CORES) as pool:
        list(pool.map(lambda document: read(document, out), documents))
    return measured


def tesseract(document, out):
    """PDFs are rendered to images first, as tesseract reads none itself."""
    with tempfile.TemporaryDirectory() as folder:
        images = [document]
        if document.suffix.lower() == ".pdf":
            run("pdftoppm", "-r", 300, "-gray", document, f"{folder}/page")
            images = sorted(pathlib.Path(folder).iterdir())
        text = [run("tesseract", image, "-", env=ONE_THREAD) for image in images]
    (out / f"{document.name}.txt").write_text("".join(text))


def peak_of_tesseract(image):
    """Bytes that one process of the program was resident with at most."""
    process = subprocess.Popen(["tesseract", image, "-"], env=ONE_THREAD, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * 1024


def ocrmypdf(document, out):
    image = [] if document.suffix.lower() == ".pdf" else ["--image-dpi", 300]
    # A file of its own for the PDF: OCRmyPDF replaces its target, and as root it would replace /dev/null itself.
    with tempfile.TemporaryDirectory() as folder:
        run("ocrmypdf", "--force-ocr", "--jobs", 1, "--output-type", "pdf", "--optimize", 0, *image, "--sidecar",
            out / f"{document.name}.txt", document, f"{folder}/read.pdf", env=ONE_THREAD)


# The report.


def words_found(documents, out):
    """The share of the words written on the documents that were read, where it is known what is written; else None."""
    found = written = 0
    for document in documents:
        truth = document.with_name(document.name + ".gt.txt")
        if truth.exists():
            should = collections.Counter(re.findall(r"\w+", truth.read_text().lower()))
            read = collections.Counter(re.findall(r"\w+", (out / f"{document.name}.txt").read_text(errors="replace").lower()))
            found += (should & read).total()
            written += should.total()
    return found / written if written else None


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


def measure_latencies(server):
    """Of the calls, and from COMMIT to claim, in milliseconds."""
    server.sql("""CREATE TABLE bench_document AS
        SELECT string_agg(sha256(int8send(n)), NULL ORDER BY n) AS bytes FROM generate_series(1, 3125) n""")
    result = {}
    different = "bytes || int8send((random() * 1e15)::bigint)"
    submit = f"SELECT ocr_submit({different}) FROM bench_document;"
    result["ocr_submit, 100 kB"] = server.latencies(submit, 2000)
    result["… with asynchronous commit"] = server.latencies(submit, 2000, "-c synchronous_commit=off")
    jobs = server.sql("SELECT min(id) || ' ' || max(id) FROM ocr.jobs").split()
    result["ocr_status"] = server.latencies(
        f"\\set job random({jobs[0]}, {jobs[1]})\nSELECT * FROM ocr_status(:job);", 2000)
    server.sql("SELECT count(ocr_cancel(id)) FROM ocr.jobs WHERE status = 'pending'")

    # Commit timestamps are taken just before the commit is flushed; the kept document's row still carries its
    # transaction, the job's row does not.
    server.set_workers(CORES)
    one = (f"SELECT ocr_submit({different}, keep_document => true, batch => 'claims') AS job FROM bench_document \\gset\n"
           "SELECT status FROM ocr_wait(:job, '1 hour');\n")
    server.sql(one * 200)
    server.set_workers(0)
    claims = server.sql("""SELECT extract(epoch FROM j.started_at - pg_xact_commit_timestamp(d.xmin)) * 1000
        FROM ocr.jobs j JOIN ocr.documents d ON d.id = j.document_id WHERE batch = 'claims'""")
    result["COMMIT to claim"] = [float(line) for line in claims.split()]
    return result


def as_images(documents, folder):
    """Each page as a grey image of 300 dpi; with its truth, where a document has one page and a truth."""
    images = []
    for document in documents:
        if document.suffix.lower() == ".pdf":
            run("pdftoppm", "-r", 300, "-gray", "-png", document, folder / document.stem)
            pages = sorted(folder.glob(f"{document.stem}-*.png"))
        else:
            pages = [pathlib.Path(shutil.copy(document, folder))]
        truth = document.with_name(document.name + ".gt.txt")
        if truth.exists() and len(pages) == 1:
            shutil.copy(truth, f"{pages[0]}.gt.txt")
        images += pages
    return images


def again(images, folder, times):
    """Each image so many times, under other names: two workers read a few pages before they are well awake."""
    copies = []
    for number in range(times):
        for image in images:
            copies.append(folder / f"{number}-{image.name}")
            for suffix in ("", ".gt.txt"):
                if pathlib.Path(f"{image}{suffix}").exists():
                    shutil.copy(f"{image}{suffix}", f"{copies[-1]}{suffix}")
    return copies


def measure_recognisers(server, engine, tessdata, images, out):
    """Prints the table of dense pages, and what an engine holds."""
    copies = again(images, out("copies"), TIMES)

    def by_server(folder):
        measured = read_with_pg_ocr(server, copies, folder)
        measured.pages = len(copies)
        return measured

    def by_engine(program, recogniser):
        return lambda folder, engines=CORES: read_with_bare_engine(program, tessdata, recogniser, images, folder, engines)

    avx2 = REPOSITORY / "build/avx2_engine"
    ways = {"pg_ocr, through the database": by_server, "its engine": by_engine(engine, "own")}
    if avx2.exists():
        ways["its engine, AVX2 only"] = by_engine(avx2, "own")
    ways["its engine, as Tesseract"] = by_engine(engine, "tesseract")
    ways["the program tesseract"] = lambda folder: in_parallel(tesseract, images, folder)
    outs = {name: out(name) for name in ways}
    cpu, seconds = {}, {}
    for _ in range(ROUNDS):
        for name, read in ways.items():
            measured = read(outs[name])
            pages = getattr(measured, "pages", len(images))
            cpu[name] = min(cpu.get(name, measured.cpu / pages), measured.cpu / pages)
            seconds[name] = min(seconds.get(name, measured.seconds / pages), measured.seconds / pages)
    base = "the program tesseract"
    print(f"\n{len(images)} dense pages, as images; the best of {ROUNDS}; ratios are to tesseract\n")
    print(f"{'':29} {'pages/s':>8} {'ratio':>6} {'CPU s/page':>11} {'ratio':>6} {'words found':>12}")
    for name in ways:
        share = words_found(copies if name.startswith("pg_ocr") else images, outs[name])
        print(f"{name:29} {1 / seconds[name]:8.3f} {seconds[base] / seconds[name]:6.2f} {cpu[name]:11.3f} "
              f"{cpu[name] / cpu[base]:6.2f} {'-' if share is None else format(share, '.1%'):>12}")

    print(f"\n{'resident MB of one process':29} {'warm':>8} {'after':>8} {'peak':>8}")
    for name, read in ways.items():
        if name.startswith("pg_ocr"):
            continue
        if name == base:
            print(f"{name:29} {'':8} {'':8} {max(map(peak_of_tesseract, images)) / 2**20:8.0f}")
        else:
            print(f"{name:29} " + " ".join(f"{bytes / 2**20:8.0f}" for bytes in read(outs[name], 1).engine_memory))


def report(documents, outs, measured, latencies, pages, pg_config):
    """Prints the tables of documents and of latencies."""
    print(f"\n{len(documents)} documents, {pages} pages, {CORES} cores; {run('tesseract', '--version').splitlines()[0]}, "
          f"OCRmyPDF {run('ocrmypdf', '--version').strip()}, {run(pg_config, '--version').strip()}\n")
    print(f"{'':12} {'pages/s':>8} {'ratio':>6} {'CPU s/page':>11} {'ratio':>6} {'peak MB':>8} {'words found':>12}")
    base = measured["tesseract"]
    for name, of in measured.items():
        share = words_found(documents, outs[name])
        print(f"{name:12} {pages / of.seconds:8.3f} {base.seconds / of.seconds:6.2f} {of.cpu / pages:11.3f} "
              f"{of.cpu / base.cpu:6.2f} {of.peak / 2**20:8.0f} {'-' if share is None else format(share, '.1%'):>12}")
    print(f"\n{'ratios are to tesseract; ms':30} {'p50':>8} {'p99':>8}")
    for name, values in latencies.items():
        print(f"{name:30} {percentile(values, 50):8.2f} {percentile(values, 99):8.2f}")


def main():
    pg_config = os.environ["PG_CONFIG"]
    if "BENCH_DATA" in os.environ:
        kinds = {".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff"}
        documents = sorted(path.resolve() for path in pathlib.Path(os.environ["BENCH_DATA"]).rglob("*") if path.suffix.lower() in kinds)
        dense = documents
    else:
        documents = [next((REPOSITORY / "test/data").rglob(name)) for name in DOCUMENTS]
        dense = [next((REPOSITORY / "test/data").rglob(name)) for name in DENSE]
    if not documents:
        sys.exit("there is nothing to read: BENCH_DATA names a folder without PDFs or images")
    tessdata = re.search(r'"(.*)"', run("tesseract", "--list-langs")).group(1)
    engine = pathlib.Path(run(pg_config, "--bindir").strip(), "pg_ocr_engine")

    with tempfile.TemporaryDirectory(prefix="pg_ocr_bench.") as folder:
        outs = {}

        def out(name):
            outs[name] = pathlib.Path(folder, name)
            outs[name].mkdir()
            return outs[name]

        server = Server(tempfile.mktemp(prefix="pg_ocr_bench_server.", dir="/tmp"), pg_config)
        try:
            measured = {
                "pg_ocr": read_with_pg_ocr(server, documents, out("pg_ocr")),
                "bare engine": read_with_bare_engine(engine, tessdata, "own", documents, out("bare engine")),
                "tesseract": in_parallel(tesseract, documents, out("tesseract")),
                "OCRmyPDF": in_parallel(ocrmypdf, documents, out("OCRmyPDF")),
            }
            latencies = measure_latencies(server)
            pages = server.pages
            images = as_images(dense, out("images"))
            report(documents, outs, measured, latencies, pages, pg_config)
            measure_recognisers(server, engine, tessdata, images, out)
        finally:
            server.stop()

        print("\nwhere a dense page's time goes, CPU\n")
        print(run(REPOSITORY / "build/page_stages", tessdata, *images, env=ONE_THREAD))


if __name__ == "__main__":
    main()
