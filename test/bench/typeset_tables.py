"""Sets tables in type whose cells are known, as PDFs with a text layer and as what a scanner makes of them.

    typeset_tables.py DIRECTORY [PAGES]

Writes lined.pdf (lines both ways), part_lined.pdf (lines across only, or between columns only, or faint ones) and
unlined.pdf, of so many pages each, with tables.py's truth beside them; and of each page a scan: turned by up to a degree,
blurred, noisy, of a different paper. Needs weasyprint, pdftoppm and ImageMagick. The same pages each time.
"""
import html
import json
import os
import random
import subprocess
import sys

THINGS = """apple bread candle door engine feather garden hammer island jacket kettle ladder mirror needle orange paper quilt
river saddle table umbrella violin window yarn zebra anchor bottle copper diamond elbow forest glass harbour ink
jewel key lemon marble nickel olive pepper quartz rope silver timber""".split()
PLACES = "Bergen Cadiz Dover Exeter Faro Ghent Hull Izmir Jena Kiel Lyon Malmo Nantes Oslo Porto Riga Siena Turin Ulm Varna".split()
STYLES = {
    "lined": ["td, th { border: 0.8pt solid black }", "td, th { border: 0.4pt solid #888 } th { background: #ddd }",
              "table { border: 1.5pt solid black } td, th { border: 0.5pt solid black }"],
    "part_lined": ["tr { border-bottom: 0.5pt solid black } thead tr { border-top: 1pt solid black }",
                   "table { border-top: 1.2pt solid black; border-bottom: 1.2pt solid black } thead tr:last-child { border-bottom: 0.6pt solid black }",
                   "td, th { border-left: 0.6pt solid black; border-right: 0.6pt solid black } table { border: 0.6pt solid black } thead tr:last-child { border-bottom: 0.6pt solid black }",
                   "td, th { border: 0.5pt solid #ccc }"],
    "unlined": ["", "tbody tr:nth-child(even) { background: #eee }", "th { background: #555; color: white }"],
}


def sentence(dice, words):
    return " ".join(dice.choice(THINGS) for _ in range(words)).capitalize() + "."


def amount(dice):
    kind = dice.randrange(4)
    if kind == 0:
        return f"{dice.randrange(10, 99999):,}"
    if kind == 1:
        return f"{dice.uniform(0, 900):.2f}"
    if kind == 2:
        return f"{dice.uniform(0, 100):.1f}%"
    return str(dice.randrange(1, 500))


def table(dice, style):
    """(HTML, cells)"""
    columns, rows = dice.randrange(3, 7), dice.randrange(4, 13)
    cells, head, body = [], [], []
    names = [f"{dice.choice(THINGS).capitalize()}" if dice.random() < 0.6 else str(2000 + i) for i in range(columns)]
    first = 0
    # In some tables a head over two columns, above the others.
    if columns >= 4 and dice.random() < 0.4:
        over = dice.choice(PLACES)
        left = columns - 2
        line = "".join(f'<th rowspan="2">{name}</th>' for name in names[:left]) + f'<th colspan="2">{over}</th>'
        cells += [dict(row=0, column=c, row_span=2, text=names[c]) for c in range(left)] + [dict(row=0, column=left, column_span=2, text=over)]
        cells += [dict(row=1, column=c, text=names[c]) for c in range(left, columns)]
        head += [line, "".join(f"<th>{name}</th>" for name in names[left:])]
        first = 2
    else:
        head.append("".join(f"<th>{name}</th>" for name in names))
        cells += [dict(row=0, column=c, text=name) for c, name in enumerate(names)]
        first = 1
    wordy = dice.random() < 0.3
    for r in range(rows):
        line = ""
        for c in range(columns):
            if c == 0:
                text = f"{dice.choice(PLACES)} {dice.choice(THINGS)}"
            elif c == 1 and wordy:
                text = sentence(dice, dice.randrange(2, 7))
            else:
                text = "" if dice.random() < 0.06 else amount(dice)
            cells.append(dict(row=first + r, column=c, text=text))
            line += f'<td class="{"text" if c == 0 or (c == 1 and wordy) else "figure"}">{html.escape(text)}</td>'
        body.append(line)
    align = dice.choice(["right", "right", "center", "left"])
    width = dice.choice(["100%", "85%", "auto"])
    look = (f"<style>.t{id(cells)} {{ border-collapse: collapse; width: {width}; font: {dice.choice([8, 9, 10, 11])}pt "
            f"{dice.choice(['DejaVu Sans', 'Liberation Serif', 'Liberation Sans'])} }} "
            f".t{id(cells)} :is(td, th) {{ padding: {dice.choice([2, 3, 4])}pt {dice.choice([5, 7, 10])}pt; text-align: left; vertical-align: middle }} "
            f".t{id(cells)} .figure {{ text-align: {align} }} .t{id(cells)} thead th {{ text-align: {dice.choice(['center', align])} }} ")
    for rule in style.split("}"):
        if "{" in rule:
            selectors, what = rule.split("{")
            scoped = ", ".join(f".t{id(cells)}{'' if s.strip() == 'table' else ' ' + s.strip()}" for s in selectors.split(","))
            look += scoped + "{" + what + "} "
    text = (f'{look}</style><table class="t{id(cells)}"><thead>' + "".join(f"<tr>{line}</tr>" for line in head) + "</thead><tbody>"
            + "".join(f"<tr>{line}</tr>" for line in body) + "</tbody></table>")
    return text, cells


def page(dice, kind, number):
    parts, tables = [f"<h2>{dice.choice(PLACES)} {number}</h2>"], []
    for _ in range(dice.choice([1, 1, 2])):
        parts.append("<p>" + " ".join(sentence(dice, dice.randrange(8, 14)) for _ in range(3)) + "</p>")
        text, cells = table(dice, dice.choice(STYLES[kind]))
        parts.append(text)
        tables.append({"page": number, "cells": cells})
    parts.append("<p>" + " ".join(sentence(dice, dice.randrange(8, 14)) for _ in range(4)) + "</p>")
    return '<section>' + "".join(parts) + "</section>", tables


def scan(dice, pdf, number, to):
    subprocess.run(["pdftoppm", "-r", str(dice.choice([200, 250, 300])), "-f", str(number), "-l", str(number), "-singlefile", "-gray", "-png", pdf, to],
                   check=True)
    subprocess.run(["convert", to + ".png", "-background", "white", "-rotate", f"{dice.uniform(-1, 1):.2f}", "-blur", f"0x{dice.uniform(0.3, 1.1):.2f}",
                    "-seed", str(number), "-attenuate", f"{dice.uniform(0.05, 0.3):.2f}", "+noise", "Gaussian",
                    "+level", f"{dice.randrange(5, 20)},{dice.randrange(85, 98)}%", "-depth", "8", to + ".png"], check=True)


def main(directory, pages=12):
    os.makedirs(directory, exist_ok=True)
    for kind in STYLES:
        dice = random.Random(kind)
        sections, truth = [], []
        for number in range(1, pages + 1):
            section, tables = page(dice, kind, number)
            sections.append(section)
            truth += tables
        base = os.path.join(directory, kind)
        with open(base + ".html", "w") as file:
            file.write("<meta charset=utf-8><style>@page { size: A4; margin: 2cm } section { break-after: page } "
                       "body { font: 10pt 'Liberation Serif' } p { text-align: justify }</style>" + "".join(sections))
        subprocess.run(["weasyprint", "-q", base + ".html", base + ".pdf"], check=True)
        json.dump(truth, open(base + ".tables.json", "w"))
        for number in range(1, pages + 1):
            scan(dice, base + ".pdf", number, f"{base}-{number:02}")
            json.dump([{**t, "page": 1} for t in truth if t["page"] == number], open(f"{base}-{number:02}.tables.json", "w"))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
