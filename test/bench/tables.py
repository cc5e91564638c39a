"""Scores found tables against known ones, page by page.

    tables.py FOUND.jsonl...        what table_pages printed

The truth of FILE.pdf is FILE-str.xml (as in the ICDAR 2013 table competition), FILE.pdf.gt.tables.json (tables as rows of
texts, all on page 1) or FILE.tables.json ([{"page": n, "cells": [{"row", "column", "row_span", "column_span", "text"}]}]).
A page of which the truth says nothing has no table; a file without truth has none on any page.

Cells: of the texts that cells hold, how many were found, and how many of those found are right. Relations: the measure of
ICDAR 2013, pairs of a cell with text and the next one with text to its right or below it; each is right when both texts
and the direction are. Tables that are not there count against precision. Texts are compared without white space and case.
"alike" takes a text for the one on the page that it differs from in a fifth of its characters at most, as what OCR has
read wrong says nothing about tables.
"""
import collections
import difflib
import json
import os
import re
import sys
import unicodedata
import xml.etree.ElementTree as xml


def normal(text):
    text = unicodedata.normalize("NFKC", text).casefold()
    text = re.sub("[\u2010-\u2015\u2212]", "-", text)
    text = re.sub("[\u2018\u2019\u02bc`]", "'", text)
    text = re.sub("[\u201c\u201d]", '"', text)
    return re.sub(r"\s|\.{3,}", "", text)


class Table:
    def __init__(self, cells):
        """cells: (row, column, row_span, column_span, text)"""
        self.cells = [(*cell[:4], normal(cell[4])) for cell in cells]

    def texts(self):
        return [cell[4] for cell in self.cells if cell[4]]

    def relations(self, name=lambda text: text):
        at = {}
        for number, (row, column, rows, columns, text) in enumerate(self.cells):
            if text:
                for r in range(row, row + rows):
                    for c in range(column, column + columns):
                        at[r, c] = number
        last_row = max((r for r, _ in at), default=0)
        last_column = max((c for _, c in at), default=0)
        pairs = set()
        for (r, c), number in at.items():
            for down, right, end in ((0, 1, last_column), (1, 0, last_row)):
                place = (r + down, c + right)
                while max(place[0] if down else place[1], 0) <= end:
                    other = at.get(place)
                    if other == number:
                        break
                    if other is not None:
                        pairs.add((number, other, "down" if down else "right"))
                        break
                    place = (place[0] + down, place[1] + right)
        return [(name(self.cells[a][4]), name(self.cells[b][4]), way) for a, b, way in pairs]


def truth_of(path):
    """{page: [Table]}, or None where nothing is known"""
    pages = collections.defaultdict(list)
    stem = re.sub(r"\.\w+$", "", path)
    if os.path.exists(stem + "-str.xml"):
        with open(stem + "-str.xml", "rb") as file:
            document = xml.fromstring(re.sub(rb"&(?!\w+;|#)", b"&amp;", file.read()))
        for region in document.iter("region"):
            cells = []
            for cell in region.iter("cell"):
                row, column = int(cell.get("start-row")), int(cell.get("start-col"))
                cells.append((row, column, int(cell.get("end-row", row)) - row + 1, int(cell.get("end-col", column)) - column + 1,
                              " ".join(content.text or "" for content in cell.iter("content"))))
            pages[int(region.get("page"))].append(Table(cells))
    elif os.path.exists(path + ".gt.tables.json"):
        for rows in json.load(open(path + ".gt.tables.json")):
            pages[1].append(Table([(r, c, 1, 1, text) for r, row in enumerate(rows) for c, text in enumerate(row)]))
    elif os.path.exists(stem + ".tables.json"):
        for table in json.load(open(stem + ".tables.json")):
            pages[table["page"]].append(Table([(c["row"], c["column"], c.get("row_span", 1), c.get("column_span", 1), c["text"])
                                               for c in table["cells"]]))
    return pages


def found_of(layout):
    return [Table([(c["row"], c["column"], c["row_span"], c["column_span"], c["text"]) for c in table["cells"]])
            for table in layout.get("tables", [])]


def nearest_names(found, truth):
    """Of texts found, the one of the truth that they may be a misreading of."""
    known = {text for table in truth for text in table.texts()}
    names = {}
    for text in {text for table in found for text in table.texts()} - known:
        close = [k for k in known if abs(len(k) - len(text)) <= max(1, len(k) // 5)]
        best = max(close, key=lambda k: difflib.SequenceMatcher(None, text, k).ratio(), default=None)
        if best is not None and difflib.SequenceMatcher(None, text, best).ratio() >= 0.8:
            names[text] = best
    return lambda text: names.get(text, text)


class Counts:
    def __init__(self):
        self.right = self.found = self.there = 0

    def add(self, found, there):
        found, there = collections.Counter(found), collections.Counter(there)
        right = sum((found & there).values())
        self.right, self.found, self.there = self.right + right, self.found + found.total(), self.there + there.total()
        return right, found.total(), there.total()

    def text(self):
        precision, recall = self.right / max(self.found, 1), self.right / max(self.there, 1)
        return f"{100 * recall:6.1f} {100 * precision:6.1f} {200 * precision * recall / max(precision + recall, 1e-9):6.1f}"


def main(paths):
    cells, relations, alike_cells, alike_relations = Counts(), Counts(), Counts(), Counts()
    pages = tables_there = tables_found = bare = bare_with = milliseconds = 0
    for path in paths:
        for line in open(path):
            page = json.loads(line)
            truth, found = truth_of(page["file"]).get(page["page"], []), found_of(page["layout"])
            pages, milliseconds = pages + 1, milliseconds + page["ms"]
            tables_there, tables_found = tables_there + len(truth), tables_found + len(found)
            if not truth:
                bare, bare_with = bare + 1, bare_with + bool(found)
            name = nearest_names(found, truth)
            cells.add([t for table in found for t in table.texts()], [t for table in truth for t in table.texts()])
            score = relations.add([r for table in found for r in table.relations()], [r for table in truth for r in table.relations()])
            alike_cells.add([name(t) for table in found for t in table.texts()], [t for table in truth for t in table.texts()])
            alike_relations.add([r for table in found for r in table.relations(name)], [r for table in truth for r in table.relations()])
            if os.environ.get("PAGES") and (found or truth):
                print(f"{os.path.basename(page['file'])} page {page['page']}: {len(found)} of {len(truth)} tables, "
                      f"{score[0]} right of {score[1]} found and {score[2]} there")
    print(f"{pages} pages, {tables_there} tables there, {tables_found} found; {bare} pages without a table, "
          f"{bare_with} of them with one found; {milliseconds / max(pages, 1):.0f} ms a page")
    print("                 recall  prec.     F1")
    print("cells           " + cells.text())
    print("relations       " + relations.text())
    print("cells, alike    " + alike_cells.text())
    print("relations, alike" + alike_relations.text())


if __name__ == "__main__":
    main(sys.argv[1:])
