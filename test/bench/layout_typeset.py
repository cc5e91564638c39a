"""Sets in type what documentation rarely has: pages in columns, slides, tables, and light text on dark, out of a
package's own prose. layout_corpus.py asks for them where there are too few pages of the kind."""
import html
import os
import random
import re
import subprocess

import typeset_tables

FONTS = ("DejaVu Serif", "DejaVu Sans", "Liberation Serif", "Liberation Sans", "Nimbus Roman", "P052", "C059", "URW Gothic")
PAPER = "@page { size: A4; margin: %dmm }"


def paragraphs_of(texts):
    """Sentences that stand together, without the line breaks; no headings, no code."""
    found = []
    for text in texts:
        joined = re.sub(r"(?<=\w)-\n(?=[a-zà-ÿа-я])", "", text)
        for paragraph in re.split(r"(?<=[.:!?])\n", joined):
            words = paragraph.split()
            if 12 <= len(words) <= 150 and paragraph[0].isupper() and not re.search(r"[{}<>\\=_|]|\. \.|\.\.\.", paragraph):
                found.append(" ".join(words))
    return found


class Setter:
    def __init__(self, dice, paragraphs):
        self.dice, self.paragraphs, self.at = dice, paragraphs, 0

    def paragraph(self):
        self.at += 1
        return html.escape(self.paragraphs[(self.at - 1) % len(self.paragraphs)])

    def heading(self, words):
        begin = self.paragraphs[self.dice.randrange(len(self.paragraphs))].split()[: self.dice.randint(2, words)]
        return html.escape(" ".join(begin).strip(".,:;"))

    def picture(self):
        """Without letters."""
        bars = "".join(f'<rect x="{10 + 12 * i}" y="{100 - height}" width="{self.dice.randint(4, 11)}" height="{height}" fill="#{self.dice.choice(("333", "777", "bbb"))}"/>'
                       for i, height in enumerate(self.dice.randint(10, 90) for _ in range(15)))
        return f'<svg viewBox="0 0 200 105" width="90%"><path d="M5 0V100H195" stroke="black" fill="none"/>{bars}</svg>'

    def style(self, least, most):
        dice = self.dice
        size = dice.uniform(least, most)
        return (f"body {{ font: {size:.1f}pt/{dice.uniform(1.15, 1.45):.2f} '{dice.choice(FONTS)}'; hyphens: auto;"
                f" text-align: {dice.choice(('justify', 'justify', 'left'))} }} p {{ margin: 0 0 {dice.uniform(0, 0.6):.1f}em;"
                f" text-indent: {dice.choice((0, 0, 1.2))}em }} h1, h2, h3 {{ line-height: 1.15; hyphens: none; text-align: left }}")

    def columns(self, count):
        dice = self.dice
        css = PAPER % dice.randint(12, 20) + self.style(*((8.5, 10.5) if count == 2 else (7.5, 9)))
        css += f" .columns {{ column-count: {count}; column-gap: {dice.uniform(4, 8):.1f}mm;"
        css += f" column-rule: {dice.choice(('none', 'none', '0.5pt solid black'))} }}"
        body = []
        # The last article is longer than the page.
        for paragraphs in dice.choice(((40,), (dice.randint(4, 8), 40))):
            body.append(f"<h1>{self.heading(7)}</h1><div class='columns'>")
            for _ in range(paragraphs):
                if dice.random() < 0.4:
                    body.append(f"<h3>{self.heading(4)}</h3>")
                body.append(f"<p>{self.paragraph()}</p>")
                if dice.random() < 0.12:
                    body.append(self.picture())
            body.append("</div>")
        return css, "".join(body)

    def columns2(self):
        return self.columns(2)

    def columns3(self):
        return self.columns(3)

    def slides(self):
        dice = self.dice
        css = "@page { size: %s; margin: 6mm; background: %s }" % (dice.choice(("128mm 96mm", "160mm 90mm")), "BACK")
        dark = dice.random() < 0.3
        css = css.replace("BACK", "#123" if dark else dice.choice(("white", "#fff8e8", "#eef")))
        css += f" body {{ font: {dice.uniform(10, 13):.1f}pt/1.3 '{dice.choice(FONTS[1::2])}'; color: {'white' if dark else 'black'} }}"
        css += " h2 { margin: -6mm -6mm 4mm; padding: 3mm 6mm; font-size: 130%;" + dice.choice(
            (" background: #246; color: white }", " color: #a20 }" if not dark else " color: #fd8 }"))
        css += " div { float: right; width: 35%; margin-left: 4mm } ul { margin: 0; padding-left: 6mm; list-style: none }"
        # As a list's marker it would be drawn after all of the text.
        css += " li { text-indent: -4mm } li::before { content: '\\2022\\00a0' }"
        points = []
        for _ in range(dice.randint(3, 5)):
            points.append(f"<li>{' '.join(self.paragraph().split()[: dice.randint(5, 16)])}</li>")
        picture = f"<div>{self.picture()}</div>" if dice.random() < 0.4 else ""
        return css, f"<h2>{self.heading(5)}</h2>{picture}<ul>{''.join(points)}</ul>"

    def white_on_black(self):
        dice = self.dice
        css = PAPER % dice.randint(15, 22) + self.style(9, 11)
        css += " h2, .dark { background: %s; color: white; padding: 2mm 3mm }" % dice.choice(("black", "#223", "#444"))
        css += " .dark { margin: 3mm 0 }"
        body = []
        for _ in range(5):
            body.append(f"<h2>{self.heading(6)}</h2>")
            body.append(f"<p>{self.paragraph()}</p>")
            if dice.random() < 0.5:
                body.append(f"<div class='dark'>{self.paragraph()}</div>")
        return css, "".join(body)

    def tables(self):
        dice = self.dice
        body = [f"<h2>{self.heading(6)}</h2>"]
        for _ in range(dice.randint(2, 3)):
            look = dice.choice(typeset_tables.STYLES[dice.choice(sorted(typeset_tables.STYLES))])
            body.append(f"<p>{self.paragraph()}</p>{typeset_tables.table(dice, look)[0]}")
        return PAPER % dice.randint(15, 25) + self.style(9, 11), "".join(body)


def typeset(kind, texts, seed, path):
    """Writes the PDF, of which the first page counts; False where there is too little English prose. The same texts and
    seed make the same page."""
    paragraphs = paragraphs_of(texts)
    if len(paragraphs) < 8:
        return False
    dice = random.Random(seed)
    dice.shuffle(paragraphs)
    css, body = getattr(Setter(dice, paragraphs), kind)()
    page = f"<!doctype html><html lang='en'><meta charset='utf-8'><style>{css}</style><body>{body}"
    subprocess.run(["weasyprint", "-q", "-", path + ".part"], input=page.encode(), check=True)
    os.rename(path + ".part", path)
    return True
