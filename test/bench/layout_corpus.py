"""Makes pages with known text out of the PDFs in Debian's documentation packages; test/bench/layout calls it.

    layout_corpus.py FOLDER SPOILED_PAGE

FOLDER/pages.tsv names them: class, half, language, image, source. IMAGE.gt.txt is the truth. Half of the packages were
there to tune with and half to report on, by their names, until those were looked at too; others are unseen. The same packages give the same pages. What is there already
is not made again."""
import collections
import glob
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from layout_page import PageOfPdf, is_sound, output
from layout_typeset import typeset

PACKAGES = """
ada-reference-manual-2020 asymptote-doc bash-doc c++-annotations-pdf dblatex-doc debian-faq debian-faq-de debian-faq-fr
debian-faq-ru debian-refcard debian-reference-de debian-reference-en debian-reference-es debian-reference-fr
developers-reference-de developers-reference-fr developers-reference-ru docbook-xsl-doc-pdf dynare-doc evolver-doc form-doc
freefem-doc gap-doc ghostscript-doc gnuplot-doc graphviz-doc gri-pdf-doc lammps-doc lilypond-doc-pdf-de lilypond-doc-pdf-es
lilypond-doc-pdf-fr linuxcnc-doc-de linuxcnc-doc-en linuxcnc-doc-es linuxcnc-doc-fr live-manual-pdf maint-guide
maint-guide-de maint-guide-es maint-guide-fr maint-guide-ru maxima-doc mpich-doc muttprint-manual octave-doc pari-doc
r-bioc-biostrings r-bioc-edger r-bioc-limma r-bioc-qvalue r-bioc-rbgl r-bioc-shortread r-cran-actuar r-cran-aer r-cran-bms
r-cran-boolnet r-cran-clue r-cran-coin r-cran-desolve r-cran-distr r-cran-eaf r-cran-effects r-cran-erm r-cran-evd
r-cran-fitdistrplus r-cran-flexmix r-cran-gstat r-cran-hsaur3 r-cran-irace r-cran-kernlab r-cran-laeken r-cran-lme4
r-cran-maptools r-cran-markovchain r-cran-matrix r-cran-mcmc r-cran-metafor r-cran-msm r-cran-multcomp r-cran-nmf
r-cran-ordinal r-cran-party r-cran-partykit r-cran-pls r-cran-powerlaw r-cran-pscl r-cran-psych r-cran-quantreg r-cran-rcpp
r-cran-rcpparmadillo r-cran-rcppeigen r-cran-rmpfr r-cran-robustbase r-cran-rprotobuf r-cran-sandwich r-cran-seriation
r-cran-sets r-cran-sp r-cran-spacetime r-cran-strucchange r-cran-surveillance r-cran-survival r-cran-systemfit r-cran-tgp
r-cran-tsp r-cran-vcd r-cran-xts r-cran-zoo r-doc-pdf seqan-raptor-doc texlive-fonts-recommended-doc texlive-humanities-doc
texlive-lang-english texlive-lang-french texlive-lang-german texlive-lang-spanish texlive-latex-base-doc
texlive-latex-recommended-doc texlive-metapost-doc texlive-pictures-doc texlive-publishers-doc texlive-science-doc
ubuntu-packaging-guide-pdf ubuntu-packaging-guide-pdf-de ubuntu-packaging-guide-pdf-es ubuntu-packaging-guide-pdf-fr
ubuntu-packaging-guide-pdf-ru why3-doc-pdf
""".split()
# Chosen and first read when our layout was done: nobody had looked at their pages.
UNSEEN_PACKAGES = """
abinit-doc auto-multiple-choice-doc-pdf bibtool bird2-doc cafeobj chezscheme-doc circuit-macros claws-mail-doc coccinelle-doc
cvs db5.3-doc ddd-doc debian-edu-doc-de debian-edu-doc-en debian-edu-doc-es debian-edu-doc-fr debian-history debian-policy
debmake-doc elk-lapw erlang-doc euslisp-doc expeyes-doc-en expeyes-doc-fr feynmf fonts-sil-charis gap-gapdoc gap-hap gcl-doc
genometools-doc geomview glpk-doc gmsh-doc gprolog-doc grace gretl-doc groff haskell98-report installation-guide-amd64
instead-doc-ru jags kannel-docs krb5-doc libatlas-doc libcfitsio-doc libchecker-framework-java libexplain-doc liblcms2-dev
libnorm-doc libstarlink-ast-doc libsuitesparse-doc libsystemc-doc liggghts-doc lyx-common mit-scheme-doc mumudvb nut-doc
nyquist openafs-doc packaging-tutorial parallel polymake-common python-biopython-doc python-nipy-doc python-simpy-doc
r-bioc-affy r-bioc-annotate r-bioc-genomicranges r-bioc-iranges r-bioc-snpstats r-cran-adephylo r-cran-ape r-cran-aplpack
r-cran-car r-cran-earth r-cran-epi r-cran-glmmtmb r-cran-maxlik r-cran-psychtools r-cran-qtl r-cran-rcmdr r-cran-rockchalk
r-cran-seqinr r-cran-sn r-cran-spatstat r-cran-survey r-cran-tikzdevice r-cran-tm r-cran-vegan r-cran-xtable rtklib-doc
sbcl-doc siscone-doc-pdf slurm-wlm-doc smlnj-doc swig4.0-doc systemtap-doc texinfo texlive-lang-cyrillic
texlive-lang-european texlive-lang-italian texworks-help-fr therion-doc tipa-doc toulbar2-doc uhd-doc verilator wise-doc
xorg-docs yosys-doc zsh-doc
""".split()
CLASSES = ("prose", "columns2", "columns3", "tables", "code", "slides", "languages", "small_print", "pictures",
           "white_on_black")
TYPESET = ("columns2", "columns3", "tables", "slides", "white_on_black")
PAGES_OF_A_CLASS, PAGES_OF_A_VARIANT = 20, 16
# What is done to the page; see spoiled_page.cpp. Which of several is done goes round.
VARIANTS = {
    "dpi200": ("dpi=200",),
    "dpi150": ("dpi=150",),
    "blurred": ("blur=1", "blur=1.5"),
    "skewed": ("skew=1.5", "skew=-3", "skew=-1.5", "skew=3"),
    "noisy": ("salt=0.005,jpeg=40", "salt=0.01,jpeg=60"),
    "turned": ("turn=90", "turn=180", "turn=270"),
}
# As pages in another script have English words.
READ_AS = {"rus": "rus+eng"}
MOST_BYTES = 30 << 20


def rank(*of):
    return hashlib.sha256("/".join(map(str, of)).encode()).hexdigest()


def half_of(package):
    """Of a text and its translations the same."""
    if package in UNSEEN_PACKAGES:
        return "unseen"
    return "tune" if int(rank(re.sub("-(de|en|es|fr|ru)$", "", package)), 16) % 2 else "report"


def unpack(package, to):
    """Its PDFs, of which no two are alike."""
    with tempfile.TemporaryDirectory() as work:
        if subprocess.run(["apt-get", "download", "-qq", package], cwd=work, stderr=subprocess.DEVNULL).returncode:
            print(f"{package}: is not to be had, and left out", file=sys.stderr)
            return
        (archive,) = glob.glob(work + "/*.deb")
        subprocess.run(f"dpkg-deb --fsys-tarfile '{archive}' | tar -x -C '{work}' --wildcards '*.pdf' '*.pdf.gz'",
                       shell=True, stderr=subprocess.DEVNULL)
        os.makedirs(to + ".part", exist_ok=True)
        seen = set()
        for path in sorted(glob.glob(work + "/**/*.pdf*", recursive=True)):
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
                document = file.read()
            content = hashlib.sha256(document).digest()
            if content in seen or len(document) > MOST_BYTES:
                continue
            seen.add(content)
            name = os.path.relpath(path, work).removesuffix(".gz").removeprefix("usr/share/").replace("/", "!")
            with open(os.path.join(to + ".part", name), "wb") as file:
                file.write(document)
        os.rename(to + ".part", to)


def pages_of(path):
    try:
        lines = output("pdfinfo", path).decode("utf-8", "replace").splitlines()
    except subprocess.CalledProcessError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pages:")), 0)


def looked_at(folder, package):
    """By class, pages of the package that serve: (rank, document, page number, language)."""
    to = os.path.join(folder, "documents", package)
    found = to + ".json"
    if os.path.exists(found):
        with open(found) as file:
            return json.load(file)
    if not os.path.isdir(to):
        unpack(package, to)
    documents = sorted(os.listdir(to)) if os.path.isdir(to) else []
    documents = [document for document in documents if not document.startswith("typeset!")]
    most = min(350, 24 + len(documents))
    pages = []
    for document in documents:
        numbers = sorted(range(1, pages_of(os.path.join(to, document)) + 1), key=lambda n: rank(package, document, n))
        pages += [(document, number) for number in numbers[: max(3, most // len(documents))]]
    found_pages = []
    for document, number in sorted(pages, key=lambda page: rank(package, *page))[:most]:
        try:
            kind = PageOfPdf(os.path.join(to, document), number).kind()
        except (subprocess.CalledProcessError, ValueError, SyntaxError, StopIteration):
            continue  # a damaged document
        if kind:
            found_pages.append([*kind, package, document, number])
    with open(found + ".part", "w") as file:
        json.dump(found_pages, file)
    os.rename(found + ".part", found)
    return found_pages


def spread(pages, count, *salt):
    """So many of them by their hashes, from as many packages and documents as there are."""
    chosen, taken = [], collections.Counter()
    left = sorted(pages, key=lambda page: rank(*salt, *page))
    while left and len(chosen) < count:
        page = min(left, key=lambda page: (taken[page[2]], taken[page[2], page[3]]))
        left.remove(page)
        chosen.append(page)
        taken[page[2]] += 1
        taken[page[2], page[3]] += 1
    return chosen


def typeset_pages(folder, kind, count, prose):
    """So many pages of the kind out of packages' prose."""
    by_package = collections.defaultdict(list)
    for page in prose:
        by_package[page[2]].append(page)
    pages = []
    for package in sorted(by_package, key=lambda package: rank(kind, package)):
        if len(pages) == count:
            break
        document = f"typeset!{kind}.pdf"
        path = os.path.join(folder, "documents", package, document)
        if not os.path.exists(path):
            texts = [PageOfPdf(os.path.join(folder, "documents", package, of), number).drawn
                     for _, _, _, of, number in sorted(by_package[package])]
            if not typeset(kind, texts, rank(kind, package), path):
                continue
        if is_sound(PageOfPdf(path, 1).drawn):
            pages.append([kind, "eng", package, document, 1])
    return pages


def make(folder, spoiled_page, name, page, change):
    """The page's image and truth, under the name."""
    _, _, package, document, number = page
    path = os.path.join(folder, "documents", package, document)
    image = os.path.join(folder, "pages", name + ".png")
    if os.path.exists(image + ".gt.txt"):
        return image
    dpi = change.removeprefix("dpi=") if change.startswith("dpi=") else "300"
    with tempfile.TemporaryDirectory() as work:
        output("pdftoppm", "-q", "-r", dpi, "-gray", "-png", "-singlefile", "-f", str(number), "-l", str(number), path,
               work + "/page")
        if change and not change.startswith("dpi="):
            subprocess.run([spoiled_page, work + "/page.png", change, work + "/spoiled.png"], check=True)
            os.rename(work + "/spoiled.png", work + "/page.png")
        os.makedirs(os.path.dirname(image), exist_ok=True)
        shutil.move(work + "/page.png", image)
    with open(image + ".gt.txt", "w", encoding="utf-8") as file:
        file.write(PageOfPdf(path, number).drawn)
    return image


def main():
    folder, spoiled_page = sys.argv[1:]
    os.makedirs(os.path.join(folder, "documents"), exist_ok=True)
    by_class = collections.defaultdict(list)
    for package in PACKAGES + UNSEEN_PACKAGES:
        for page in looked_at(folder, package):
            by_class[page[0], half_of(package)].append(page)
    lines = []

    def add(name, half, number, page, change=""):
        image = make(folder, spoiled_page, f"{half}-{name}-{number:02}-{rank(*page, change)[:6]}", page, change)
        source = f"{page[2]} {page[3]} {page[4]} {change}".strip()
        lines.append("\t".join((name, half, READ_AS.get(page[1], page[1]), os.path.relpath(image, folder), source)))

    for half in ("tune", "report", "unseen"):
        clean = []
        for name in CLASSES:
            chosen = spread(by_class[name, half], PAGES_OF_A_CLASS, "clean")
            if name in TYPESET:
                chosen += typeset_pages(folder, name, PAGES_OF_A_CLASS - len(chosen), by_class["prose", half])
            clean.append(chosen)
            for number, page in enumerate(chosen):
                add(name, half, number, page)
        for name, changes in VARIANTS.items():
            # Two of a class, then two of the next.
            of_classes = [page for pages in clean for page in sorted(pages, key=lambda page: rank(name, *page))[:2]]
            of_classes = [page for page in of_classes if page[0] not in ("small_print", "slides")]
            for number, page in enumerate(sorted(of_classes, key=lambda page: rank(name, *page))[:PAGES_OF_A_VARIANT]):
                add(name, half, number, page, changes[number % len(changes)])
    with open(os.path.join(folder, "pages.tsv.part"), "w", encoding="utf-8") as file:
        file.write("".join(line + "\n" for line in lines))
    os.rename(os.path.join(folder, "pages.tsv.part"), os.path.join(folder, "pages.tsv"))


if __name__ == "__main__":
    main()
