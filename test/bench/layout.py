"""Prints how well documents with known text are read by several ways, by class of page; test/bench/layout calls it.

CER is errors of 100 characters in the order of the text, F1 the words that are right of 100, in whatever order; better
and worse is against stock, in points. Given up is the share of pages that went to Tesseract's layout, as
ours had doubts; alone is ours where it gives none up."""
import argparse
import collections
import glob
import hashlib
import os
import subprocess
import sys
import tempfile
import time

WAYS = ("stock", "tesseract_layout", "own_alone", "own_layout")
LANGUAGES = {"archiscribe-de": "deu", "tapus-fr": "fra", "tulu": "kan"}
COUNTS = ("errors", "characters", "found", "written", "read", "pages", "given_up", "ms")

Document = collections.namedtuple("Document", "kind half language image source")


def pages_of_packages(folder):
    with open(os.path.join(folder, "pages.tsv"), encoding="utf-8") as file:
        for line in file:
            kind, half, language, image, source = line.rstrip("\n").split("\t")
            yield Document(kind, half, language, os.path.join(folder, image), source)


def documents_in(*folders):
    """By the names of their folders; what lies in several of them is taken once."""
    seen = set()
    for folder in folders:
        for truth in sorted(glob.glob(folder + "/**/*.gt.txt", recursive=True)):
            image = truth.removesuffix(".gt.txt")
            name = os.path.join(os.path.basename(os.path.dirname(image)), os.path.basename(image))
            if name not in seen and os.path.exists(image):
                seen.add(name)
                kind = os.path.dirname(name)
                yield Document(kind, "data", LANGUAGES.get(kind, "eng"), image, "")


def read_by_stock(document, to):
    """The program reads no PDF: of such it gets the pages' pictures."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        images = [document.image]
        if document.image.lower().endswith(".pdf"):
            subprocess.run(["pdftoppm", "-q", "-r", "300", "-gray", "-png", document.image, work + "/page"], check=True)
            images = sorted(glob.glob(work + "/page*"))
        text = b""
        for image in images:
            command = ["tesseract", image, "stdout", "-l", document.language, "--psm", "3"]
            text += subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    ms = round(1000 * (time.monotonic() - begin))
    with open(to + ".part", "wb") as file:
        file.write(b"%d 0 %d\n" % (max(1, text.count(b"\f")), ms) + text.replace(b"\f", b"\n"))
    os.rename(to + ".part", to)


def measured(way, documents, arguments):
    """By image its counts."""
    folder = os.path.join(arguments.folder, "read", way)
    os.makedirs(folder, exist_ok=True)
    lines = []
    for document in documents:
        with open(document.image, "rb") as file:
            content = hashlib.sha256(file.read() + document.language.encode()).hexdigest()
        kept = os.path.join(folder, content + ".txt")
        if way.startswith("own") or os.environ.get("LAYOUT_AGAIN"):
            if os.path.exists(kept):
                os.remove(kept)
        if way == "stock" and not os.path.exists(kept):
            read_by_stock(document, kept)
        lines.append(f"{document.image}\t{document.language}\t{kept}\n")
    run = subprocess.run([arguments.program, arguments.tessdata, way], input="".join(lines), stdout=subprocess.PIPE,
                         check=True, text=True)
    counts = {}
    for line in run.stdout.splitlines():
        image, *numbers = line.split("\t")
        counts[image] = collections.Counter(dict(zip(COUNTS, map(int, numbers))))
    return counts


def cer(counts):
    return 100 * counts["errors"] / max(1, counts["characters"])


def f1(counts):
    return 200 * counts["found"] / max(1, counts["written"] + counts["read"])


def row_of(name, number, of_ways):
    stock, *others = of_ways
    fields = [f"{name:24} {number:5}"]
    fields += [f"{cer(counts):8.2f}" for counts in of_ways] + [f"{cer(counts) - cer(stock):+8.2f}" for counts in others]
    fields += [f"{f1(counts):8.2f}" for counts in of_ways] + [f"{f1(counts) - f1(stock):+8.2f}" for counts in others]
    fields += [f"{100 * others[-1]['given_up'] / max(1, others[-1]['pages']):7.0f}%"]
    fields += [f"{counts['ms'] / max(1, counts['pages']):8.0f}" for counts in of_ways]
    return " ".join(fields)


def heading():
    short = {"stock": "stock", "tesseract_layout": "t.layout", "own_alone": "alone", "own_layout": "own"}
    ways, others = [short[way] for way in WAYS], [short[way] for way in WAYS[1:]]
    groups = [("CER", ways), ("± CER", others), ("F1", ways), ("± F1", others), ("given", ["up"]), ("ms", ways)]
    above = "".join(f"{name if i == 0 else '':>9}" for name, of in groups for i in range(len(of)))
    return f"{'':30}{above}\n{'':24} pages" + "".join(f"{way:>9}" for _, of in groups for way in of)


def main():
    parser = argparse.ArgumentParser()
    for name in ("folder", "program", "tessdata", "data", "what"):
        parser.add_argument(name)
    parser.add_argument("classes", nargs="*")
    parser.add_argument("--pages", action="store_true")
    arguments = parser.parse_args()
    documents = [] if arguments.what == "data" else list(pages_of_packages(arguments.folder))
    if arguments.what in ("data", "all"):
        documents += documents_in(*filter(None, (arguments.data, os.environ.get("LAYOUT_DATA"))))
    if arguments.what != "all":
        documents = [document for document in documents if document.half == arguments.what]
    if arguments.classes:
        documents = [document for document in documents if document.kind in arguments.classes]
    by_way = [measured(way, documents, arguments) for way in WAYS]
    whole = [document for document in documents if all(document.image in counts for counts in by_way)]
    if len(whole) < len(documents):
        print(f"left out, as not all have read them: {len(documents) - len(whole)} files", file=sys.stderr)
    if not whole:
        sys.exit("no page was measured")
    print(heading())
    for half in ("tune", "report", "unseen", "data"):
        groups = collections.defaultdict(list)
        for document in whole:
            if document.half == half:
                groups[document.kind].append(document)
        if groups:
            print(f"== {half}")
        for kind, of_kind in groups.items():
            sums = [sum((counts[document.image] for document in of_kind), collections.Counter()) for counts in by_way]
            print(row_of(kind, len(of_kind), sums))
    if arguments.pages:
        print("== pages, the worst against stock first")
        lost = {document: cer(by_way[-1][document.image]) - cer(by_way[0][document.image]) for document in whole}
        for document in sorted(lost, key=lost.get, reverse=True):
            print(row_of(document.kind, 1, [counts[document.image] for counts in by_way]), document.image, document.source)


if __name__ == "__main__":
    main()
