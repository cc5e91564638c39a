"""Prints what each tier makes of documents with known text, by directory, from the lines that fallback_pages prints;
test/bench/fallback calls it.

CER and WER are errors of 100 characters and words, in the order of the text; words found are those of the truth that
were read, and words right those of the longer of both, in whatever order. Readings are per page, and time is that of
the tier fast, which is 1."""
import collections
import json
import os
import sys

COLUMNS = ("character_errors", "characters", "word_errors", "words", "found", "written", "read")
READERS = ("stock", "fast", "balanced", "accurate")


def percent(part, whole):
    return 100 * part / whole if whole else 0.0


def main():
    sums = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    won = collections.defaultdict(collections.Counter)
    for line in sys.stdin:
        path, made, reader, *numbers, tried = line.rstrip("\n").split("\t")
        group = (os.path.basename(os.path.dirname(path)), made)
        of = sums[group][reader]
        of.update(dict(zip(COLUMNS, map(int, numbers))))
        of["longer"] += max(int(numbers[5]), int(numbers[6]))
        of["seconds"] += float(numbers[7])
        of["files"] += 1
        tries = json.loads(tried)
        of["readings"] += max(1, len(tries))
        won[reader].update(each["way"] for each in tries if each.get("won"))
    if not sums:
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


main()
