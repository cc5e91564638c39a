"""Prints what each tier makes of documents with known text, by directory, from the lines that fallback_pages prints;
test/bench/fallback calls it.

CER and WER are errors of 100 characters and words, in the order of the text; words found are those of the truth that
were read, and words right those of the longer of both, in whatever order. Readings are per page, and time is that of
the tier fast, which is 1. A file that not all have read, as one that stopped the run, counts for nobody. Last comes what
confidences are worth after the best reading was chosen, as triage.py tells it."""
import collections
import json
import os
import sys

from triage import print_worth

COLUMNS = ("character_errors", "characters", "word_errors", "words", "found", "written", "read")
READERS = ("stock", "fast", "balanced", "accurate")


def percent(part, whole):
    return 100 * part / whole if whole else 0.0


def measured(lines):
    """By file and what was made of it, of each reader its fields."""
    files = collections.defaultdict(dict)
    for line in lines:
        fields = line.rstrip("\n").split("\t")
        if len(fields) == len(COLUMNS) + 6:
            files[fields[0], fields[1]][fields[2]] = fields[3:]
    whole = {name: readers for name, readers in files.items() if set(readers) == set(READERS)}
    if len(whole) < len(files):
        print(f"left out, as not all have read them: {len(files) - len(whole)} files", file=sys.stderr)
    return whole


def main():
    sums = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    won = collections.defaultdict(collections.Counter)
    worth = collections.defaultdict(list)
    files = measured(sys.stdin)
    for (path, made), readers in files.items():
        group = (os.path.basename(os.path.dirname(path)), made)
        for reader, (*numbers, seconds, confidence, tried) in readers.items():
            of = sums[group][reader]
            counts = dict(zip(COLUMNS, map(int, numbers)))
            of.update(counts)
            longer = max(counts["written"], counts["read"])
            of["longer"] += longer
            of["seconds"] += float(seconds)
            of["files"] += 1
            tries = json.loads(tried)
            of["readings"] += max(1, len(tries))
            won[reader].update(each["way"] for each in tries if each.get("won"))
            if float(confidence) >= 0:
                worth[reader].append((float(confidence), percent(counts["found"], longer)))
    if not files:
        sys.exit("no page was measured")
    print(f"{'':24} {'made':18} {'':9} files    CER    WER  found  right  readings  time")
    for (name, made), readers in sorted(sums.items()):
        for reader in READERS:
            of = readers[reader]
            print(f"{name:24} {made:18} {reader:9} {of['files']:5} {percent(of['character_errors'], of['characters']):6.2f} "
                  f"{percent(of['word_errors'], of['words']):6.2f} {percent(of['found'], of['written']):6.2f} "
                  f"{percent(of['found'], of['longer']):6.2f} {of['readings'] / of['files']:9.2f} "
                  f"{of['seconds'] / max(readers['fast']['seconds'], 1e-9):5.2f}")
    for reader in ("balanced", "accurate"):
        print(f"\n{reader}, of pages that were read again, was kept:",
              ", ".join(f"{way} {count}" for way, count in won[reader].most_common()) or "nothing")
    for reader in ("fast", "balanced", "accurate"):
        if worth[reader]:
            print_worth(f"confidence in tier {reader}", *zip(*worth[reader]))


main()
