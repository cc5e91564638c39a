"""What a page of a PDF is like, and whether its text layer is its truth; layout_corpus.py chooses pages by it.

The truth is the text in the order in which the PDF draws it. A page is taken only where that order is not in doubt (from
the words' places pdftotext finds the same one or, where there are gutters between columns, an order by columns is the
same; in tables an order by rows), every word can be seen, and the letters mean what they show."""
import collections
import functools
import re
import statistics
import subprocess
import unicodedata
from xml.etree import ElementTree

LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\xa0": " ", "\xad": "-"}
# A few words that no text of some length goes without, of the languages that are looked for and of those that are not.
COMMON_WORDS = {
    "eng": "the of and to is that for with are this be by or as from it you can",
    "deu": "der die und das ist nicht ein eine von mit den zu für auf werden sie wird im",
    "fra": "le la les des et est une pour dans que vous du qui sur pas avec par ce",
    "spa": "el la los las que del una para por con es se en como más este puede son",
    "rus": "и в не на что с для по это как или если из от при может",
    "ita": "il di che la è per una del della non con sono gli le nel più anche",
    "por": "o que do da em para uma com não os as dos na no por são mais",
    "nld": "de het een van en is dat niet op voor met zijn te worden aan door",
    "cat": "el la de que els les i una per amb és del en més com",
}
KNOWN = ("eng", "deu", "fra", "spa", "rus")
# Dots per inch of the picture in which is looked whether words are seen; enough for that.
COARSE = 50

Word = collections.namedtuple("Word", "left top right bottom text")
Line = collections.namedtuple("Line", "left top right bottom words")


def output(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def normalised(text):
    for ligature, letters in LIGATURES.items():
        text = text.replace(ligature, letters)
    text = text.replace("\f", "")
    return unicodedata.normalize("NFC", "\n".join(" ".join(line.split()) for line in text.splitlines()).strip() + "\n")


def edit_distance(one, other):
    """By Myers' bit vectors in Hyyrö's form: a column of the table is a number."""
    places = collections.defaultdict(int)
    for i, character in enumerate(one):
        places[character] |= 1 << i
    mask, last = (1 << len(one)) - 1, 1 << max(0, len(one) - 1)
    up, down, distance = mask, 0, len(one)
    for character in other:
        same = places.get(character, 0)
        diagonal = (((same & up) + up) ^ up) | same | down
        grows, shrinks = down | ~(diagonal | up), up & diagonal
        distance += bool(grows & last) - bool(shrinks & last)
        grows, shrinks = (grows << 1) | 1, shrinks << 1
        up, down = (shrinks | ~(diagonal | grows)) & mask, grows & diagonal & mask
    return distance if one else len(other)


def disagreement(one, other):
    """Share of characters by which the texts differ, whatever their white space and line ends' hyphens."""
    one, other = (re.sub(r"[\s\-]", "", text) for text in (one, other))
    return edit_distance(one, other) / max(1, len(one))


def language_of(text):
    words = collections.Counter(re.findall(r"[^\W\d_]+", text.lower()))
    found = {code: sum(words[word] for word in common.split()) for code, common in COMMON_WORDS.items()}
    best = max(found, key=found.get)
    return best if found[best] >= max(3, 0.08 * sum(words.values())) else None


def is_sound(text):
    """No letters that stand for others, and few signs that are no text."""
    strange = 0
    for character in text:
        kind = unicodedata.category(character)
        if kind in ("Co", "Cn", "Cs", "Lm") or character in "\ufffd¨´`¸ˆ˜ˇ" or (kind == "Cc" and character != "\n"):
            return False
        ordinary = character < "\x7f" or kind[0] == "L" and character < "\u0530" or character in "‘’“”„‚«»–—…•©·−§°\n"
        strange += not ordinary
    return strange <= 0.01 * len(text)


class PageOfPdf:
    def __init__(self, path, number):
        self.path, self.number = path, str(number)

    @functools.cached_property
    def drawn(self):
        """The text in the order in which it is drawn."""
        return normalised(self._text("-raw"))

    @functools.cached_property
    def ordered(self):
        return normalised(self._text())

    @functools.cached_property
    def by_rows(self):
        return normalised(self._text("-layout"))

    @functools.cached_property
    def _markup(self):
        markup = re.sub(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]", "", self._text("-bbox-layout"))
        return next(node for node in ElementTree.fromstring(markup).iter() if node.tag.endswith("}page"))

    @functools.cached_property
    def size(self):
        return float(self._markup.get("width")), float(self._markup.get("height"))

    @functools.cached_property
    def lines(self):
        lines = []
        for node in self._markup.iter():
            if node.tag.endswith("}line"):
                lines.append(Line(*self._place(node), [Word(*self._place(word), word.text or "") for word in node]))
        return lines

    @functools.cached_property
    def words(self):
        return [word for line in self.lines for word in line.words]

    def _text(self, *options):
        at = ("-f", self.number, "-l", self.number)
        return output("pdftotext", "-q", "-enc", "UTF-8", *at, *options, self.path, "-").decode("utf-8", "replace")

    @staticmethod
    def _place(node):
        return tuple(float(node.get(edge)) for edge in ("xMin", "yMin", "xMax", "yMax"))

    def look(self):
        """Of words, the share that can be seen, and the share that is light on dark; of the page, the share with ink
        beside the words."""
        image = output("pdftoppm", "-q", "-r", str(COARSE), "-gray", "-f", self.number, "-l", self.number, self.path)
        _, size, _, pixels = image.split(b"\n", 3)
        width, height = map(int, size.split())
        scale, seen, dark = COARSE / 72, 0, 0
        beside = bytearray(pixels)
        paper = statistics.mode(pixels[::7])
        for word in self.words:
            left, right = max(0, int(word.left * scale)), min(width, int(word.right * scale) + 1)
            top, bottom = max(0, int(word.top * scale)), min(height, int(word.bottom * scale) + 1)
            rows = [pixels[y * width + left : y * width + right] for y in range(top, bottom)]
            values = sorted(b"".join(rows))
            if values:
                seen += values[-1] - values[0] > 50
                dark += values[(len(values) * 3) // 4] < 140
            for y in range(max(0, top - 2), min(height, bottom + 2)):
                begin, end = y * width + max(0, left - 3), y * width + min(width, right + 3)
                beside[begin:end] = bytes([paper]) * max(0, end - begin)
        ink = sum(abs(value - paper) > 40 for value in beside)
        return seen / max(1, len(self.words)), dark / max(1, len(self.words)), ink / max(1, width * height)

    def rows(self):
        """Words that stand beside each other, from left to right."""
        rows = []
        for word in sorted(self.words, key=lambda each: (each.top + each.bottom) / 2):
            middle = (word.top + word.bottom) / 2
            if rows and middle < rows[-1][0].bottom - 0.3 * (rows[-1][0].bottom - rows[-1][0].top):
                rows[-1].append(word)
            else:
                rows.append([word])
        return [sorted(row) for row in rows]

    def share_of_table_rows(self):
        """Rows with two gaps, each wider than two letters are high."""
        rows, of_table = self.rows(), 0
        for row in rows:
            gaps = (right.left - left.right > 1.3 * (left.bottom - left.top) for left, right in zip(row, row[1:]))
            of_table += sum(gaps) >= 2
        return of_table / max(1, len(rows))

    def share_of_typewriter(self):
        """Words whose letters are all as wide."""
        widths, letters = collections.Counter(), 0
        for word in self.words:
            if len(word.text) >= 3:
                widths[round(100 * (word.right - word.left) / len(word.text) / (word.bottom - word.top + 0.01))] += len(word.text)
                letters += len(word.text)
        common = max(widths, key=widths.get, default=0)
        return sum(widths[common + d] for d in (-1, 0, 1)) / max(1, letters)

    @functools.cached_property
    def gutters(self):
        """The places of gutters that no line of text, or few of them, crosses; none where the page has one column."""
        lines = [line for line in self.lines if len(line.words) >= 3]
        if len(lines) < 20:
            return []
        left, right = min(line.left for line in lines), max(line.right for line in lines)
        for count in (4, 3, 2):
            gutters = [left + (right - left) * i / count for i in range(1, count)]
            parts = collections.Counter(self._column_of(line, gutters) for line in lines)
            of_columns = [parts[i] for i in range(count)]
            if parts[None] <= 0.2 * len(lines) and min(of_columns) >= max(8, 0.4 * max(of_columns)):
                return gutters
        return []

    def _column_of(self, line, gutters):
        """Nothing where it crosses a gutter."""
        slack = 0.02 * self.size[0]
        if any(line.left < gutter - slack and line.right > gutter + slack for gutter in gutters):
            return None
        return sum((line.left + line.right) / 2 > gutter for gutter in gutters)

    def by_columns(self):
        """The text with columns from left to right between what stands across all of them."""
        columns = [[] for _ in range(len(self.gutters) + 1)]
        text = []

        def end_columns():
            for column in columns:
                text.extend(column)
                column.clear()

        for line in sorted(self.lines, key=lambda each: (each.top + each.bottom) / 2):
            column = self._column_of(line, self.gutters)
            if column is None:
                end_columns()
                text.append(line)
            else:
                columns[column].append(line)
        end_columns()
        return normalised("\n".join(" ".join(word.text for word in line.words) for line in text))

    def kind(self):
        """(class, language), or nothing where the page does not serve."""
        if not 100 < len(self.drawn) < 9000 or not is_sound(self.drawn):
            return None
        language = language_of(self.drawn)
        width, height = self.size
        if width * height > 900 * 700 or len(self.words) < 20:
            return None
        if any(word.left < 0 or word.top < 0 or word.right > width or word.bottom > height for word in self.words):
            return None
        columns = len(self.gutters) + 1
        order = self.by_columns() if columns > 1 else self.ordered
        in_order, by_rows = disagreement(self.drawn, order), disagreement(self.drawn, self.by_rows)
        if min(in_order, by_rows) > 0.03:
            return None
        table = self.share_of_table_rows()
        is_table = language == "eng" and by_rows < 0.03 and table >= 0.3 and len(self.words) >= 60
        is_code = self.share_of_typewriter() >= 0.6
        if language not in KNOWN and not is_table and not is_code:
            return None
        # A running head may be drawn first or last.
        if in_order > (0.02 if columns == 1 else 0.03) and not is_table and not is_code:
            return None
        seen, dark, beside = self.look()
        if seen < 0.98:
            return None
        small = statistics.median(word.bottom - word.top for word in self.words) <= 8.4
        language = language or "eng"
        if width > 1.2 * height and height < 460:
            return ("slides", language) if beside < 0.3 else None
        if beside > 0.35 or len(self.words) < 60:
            return None
        if language != "eng":
            return ("languages", language) if beside < 0.05 and table < 0.2 and len(self.words) >= 150 else None
        if dark * len(self.words) >= 8:
            return ("white_on_black", language)
        if beside >= 0.03:
            return ("pictures", language)
        if is_code:
            return ("code", language)
        if is_table and columns == 1:
            return ("tables", language)
        if in_order > 0.03:
            return None
        if columns > 1:
            return ("columns2" if columns == 2 else "columns3", language)
        if small:
            return ("small_print", language)
        return ("prose", language) if table < 0.1 and len(self.words) >= 200 else None
