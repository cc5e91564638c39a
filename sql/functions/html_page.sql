-- What ocr_html() looks like and how it is steered. Nothing from a document is in here. Without the script all can be read;
-- with it, words fit their boxes in any font, and keys and buttons go from one doubtful word to the next.

CREATE OR REPLACE FUNCTION ocr.html_style() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $css$ SELECT '
:root { --paper: #f4f4f1; --ink: #1c1c1a; --faint: #5d5d58; --line: #d5d5cf; --card: #fff; --link: #005a9c;
  --unsure: #e69f00; --bad: #d55e00; --person: #0072b2; --good: #007a5a; --zoom: 1; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --paper: #191a1b; --ink: #ececea; --faint: #a5a6a3; --line: #3a3b3d;
  --card: #232426; --link: #7cc0f5; --good: #4cc9a4; --person: #6cb8ea } img { filter: brightness(.9) } }
* { box-sizing: border-box }
body { margin: 0; font: 16px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); overflow-wrap: anywhere }
header, main, aside { padding: 0 1rem }
h1 { font-size: 1.35rem; margin: 1rem 0 .25rem } h2 { font-size: 1.05rem; margin: 0 0 .25rem } p { margin: .25rem 0 }
a { color: var(--link) } summary { cursor: pointer; padding: .25rem 0 } pre { white-space: pre-wrap; margin: .25rem 0 }
.faint { color: var(--faint); font-size: .9rem }
.verdict { display: inline-block; font-size: .85rem; font-weight: 600; padding: 0 .55em; border: 1px solid currentColor; border-radius: 1em; white-space: nowrap }
.approved { color: var(--good) } .approved::before { content: "\2713\00a0" }
.review { color: light-dark(#8a5a00, #f0b840) } .review::before { content: "?\00a0" }
.rejected { color: light-dark(#b33c00, #ff9a66) } .rejected::before { content: "\2715\00a0" }
.body { display: grid; grid-template-columns: minmax(0, 1fr) 19rem; gap: 0 1rem; align-items: start; max-width: 1500px }
aside { position: sticky; top: 3.25rem; max-height: calc(100vh - 3.5rem); overflow: auto; grid-column: 2; grid-row: 1; padding-left: 0 }
main { grid-column: 1; grid-row: 1; min-width: 0; padding-right: 0 }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; margin: 0 0 1rem }
.tools { display: none; position: sticky; top: 0; z-index: 5; gap: .5rem 1.25rem; align-items: center; padding: .3rem 1rem; margin: .5rem 0;
  background: var(--paper); border-bottom: 1px solid var(--line) }
.js .tools { display: flex; flex-wrap: wrap }
.tools > div { display: flex; align-items: center; gap: .25rem; white-space: nowrap }
button { font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .4rem; min-width: 2.4rem; min-height: 2.4rem; padding: 0 .6rem }
button:hover { border-color: var(--ink) } button[aria-pressed=true] { background: var(--ink); color: var(--paper) }
button:focus-visible, a:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 1px }
output { min-width: 4.5em; text-align: center; font-variant-numeric: tabular-nums }
.page { scroll-margin-top: 4rem }
.desk { overflow: auto; margin-top: .5rem; border: 1px solid var(--line) }
.sheet { position: relative; width: calc(100% * var(--zoom)); container-type: inline-size; background: #fff; color: #000; isolation: isolate }
.sheet img { position: absolute; inset: 0; width: 100%; height: 100%; z-index: -1; user-select: none }
.sheet .w { position: absolute; white-space: pre; font-family: monospace; font-kerning: none; font-variant-ligatures: none; color: transparent; cursor: text; scroll-margin: 6rem 2rem; border-radius: 1px }
.sheet.blank .w, .text .sheet .w { color: #000 } .text .sheet img { opacity: .12 }
.sheet .v { writing-mode: vertical-rl }
.sheet svg { position: absolute; inset: 0; width: 100%; height: 100%; user-select: none; display: none } .layout .sheet svg { display: block }
svg rect { fill: transparent; stroke: #0b4f8a; stroke-width: 2px; vector-effect: non-scaling-stroke } svg .line { stroke: #00796b; stroke-width: 1px; stroke-dasharray: 3 2 }
svg polyline, .order path { fill: none; stroke: #8e24aa; stroke-width: 2px; vector-effect: non-scaling-stroke; pointer-events: none } svg polyline { stroke-width: 1px; stroke-dasharray: 1 3 }
.order { pointer-events: none } .order circle { fill: #8e24aa } .order text { fill: #fff; font-family: system-ui, sans-serif; font-weight: 700; text-anchor: middle }
:where(.layout) .w, .key.c3 { background-color: rgba(0, 158, 115, .16) } :where(.layout) .c2 { background-color: rgba(240, 228, 66, .4) }
.w::selection { background: rgba(0, 100, 210, .35) }
.c2 { box-shadow: 0 1px 0 rgba(0, 0, 0, .35) }
.c1 { background: rgba(230, 159, 0, .25); outline: clamp(1px, .18cqw, 2px) dashed var(--unsure) }
.c0 { background: rgba(213, 94, 0, .28); outline: clamp(1px, .2cqw, 2px) solid var(--bad) }
.cp { background: rgba(0, 114, 178, .13); box-shadow: 0 3px 0 -1px #0072b2 }
.w:target, .w.here { outline: 3px solid #005a9c; outline-offset: 3px; z-index: 2 } .w:focus { outline: 3px solid #005a9c; outline-offset: 3px }
.t { position: absolute; border: 1px dashed rgba(0, 90, 156, .7); pointer-events: none }
.notice { border-left: 4px solid var(--unsure); padding: .1rem .6rem }
.list { list-style: none; margin: .25rem 0; padding: 0 } .list a { display: flex; justify-content: space-between; gap: .75rem; padding: .3rem .4rem; text-decoration: none; color: inherit; border-radius: .3rem }
.list a:hover, .list a[aria-current=true] { background: var(--paper); box-shadow: inset 3px 0 0 var(--link) }
.list bdi { font-family: monospace, monospace } .list span { color: var(--faint); font-variant-numeric: tabular-nums; white-space: nowrap }
.key { display: inline-block; width: 2.2em; height: 1em; vertical-align: -.1em; margin-right: .5em; background-color: #fff } .legend { list-style: none; padding: 0; margin: .25rem 0 }
.key.c2 { border-bottom: 1px solid #8a8a86; box-shadow: none } .key.c0, .key.c1 { outline-width: 1.5px; background-image: linear-gradient(rgba(230, 159, 0, .25) 0 0) } .key.c0 { background-image: linear-gradient(rgba(213, 94, 0, .28) 0 0) }
:where(.layout) .key.c2 { background-color: rgba(240, 228, 66, .4) } .kb { border: 2px solid #0b4f8a } .kl { border: 1px dashed #00796b } .ko { background: #fff; color: #8e24aa; font: 700 .75em/1.3 system-ui, sans-serif; text-align: center; white-space: nowrap; width: 3em } .kd { border-left: 2px dotted #8e24aa }
kbd { font: .85em monospace; border: 1px solid var(--line); border-radius: .25rem; padding: 0 .35em; background: var(--paper) }
table { border-collapse: collapse; font-size: .9rem } td, th { padding: .1rem .6rem .1rem 0; text-align: left }
#bubble { position: fixed; z-index: 9; display: none; max-width: 90vw; padding: .2rem .6rem; border-radius: .4rem; color: #fff; background: #1c1c1a; box-shadow: 0 2px 8px rgba(0, 0, 0, .4); pointer-events: none }
.keys { display: none } .js .keys { display: block }
@media (max-width: 760px) {
  header, main, aside { padding: 0 .6rem } .body { display: block }
  aside { position: static; max-height: none } .card { padding: .6rem; border-radius: .35rem }
  .list { max-height: 40vh; overflow: auto } .list a { padding: .6rem .4rem }
  .tools { position: fixed; top: auto; bottom: 0; left: 0; right: 0; margin: 0; padding: .35rem .5rem calc(.35rem + env(safe-area-inset-bottom)); gap: .3rem .6rem; justify-content: space-between; border: 0; border-top: 1px solid var(--line); flex-wrap: nowrap }
  .js body { padding-bottom: 4.5rem } button { min-width: 2.75rem; min-height: 2.75rem; padding: 0 .4rem } .wide, .js .keys { display: none } output { min-width: 3em; font-size: .85rem }
}
@media print { .tools, aside { display: none !important } .body { display: block } .page { break-inside: avoid } }
' $css$;
COMMENT ON FUNCTION ocr.html_style() IS 'Internal: the style sheet of ocr_html()';

CREATE OR REPLACE FUNCTION ocr.html_script() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $js$ SELECT '
(function () {
  "use strict";
  var root = document.documentElement, all = function (what) { return Array.prototype.slice.call(document.querySelectorAll(what)); };
  root.classList.add("js");
  var words = all(".sheet .w"), doubtful = all(".sheet .c0, .sheet .c1"), pages = all(".page"), bubble = document.getElementById("bubble");
  var at = -1, zoom = 1, links = {};
  all(".list a").forEach(function (link) { links[link.getAttribute("href").slice(1)] = link; });

  var joined = /[\u0600-\u08ff\u1800-\u18af\ufb50-\ufdff\ufe70-\ufefc]/;
  function letters_of(word) { return Array.from(word.firstChild.data.replace(/ $/, "")).length; }
  function extent_of(word) {
    var range = document.createRange(), text = word.firstChild.data;
    range.setStart(word.firstChild, 0);
    range.setEnd(word.firstChild, text.replace(/ $/, "").length);
    var box = range.getBoundingClientRect();
    return word.classList.contains("v") ? box.height : box.width;
  }
  // All is measured before anything is written, or each word would cost a layout of the whole page. Letters that are drawn as
  // one leave less room to part, so it is done again.
  function fit(times) {
    words.map(function (word) {
      var style = getComputedStyle(word), box = word.getBoundingClientRect();
      return { word: word, size: parseFloat(style.fontSize), spacing: parseFloat(style.letterSpacing) || 0,
               wanted: word.classList.contains("v") ? box.height : box.width, extent: extent_of(word) };
    }).forEach(function (m) {
      if (!(m.size > 0 && m.wanted > 0 && m.extent > 0)) return;
      // Scripts that are joined take no space between letters.
      if (joined.test(m.word.firstChild.data)) {
        m.word.style.fontSize = (parseFloat(m.word.style.fontSize) * m.wanted / m.extent).toFixed(4) + "cqw";
        m.word.style.lineHeight = (parseFloat(m.word.style.lineHeight) * m.extent / m.wanted).toFixed(4);
      } else m.word.style.letterSpacing = ((m.spacing + (m.wanted - m.extent) / letters_of(m.word)) / m.size).toFixed(4) + "em";
    });
    if (times > 1) fit(times - 1);
  }

  function say(word) {
    var box = word.getBoundingClientRect();
    bubble.textContent = word.firstChild.data.trim() + (word.dataset.c ? " \u00b7 " + word.dataset.c + " of 100" : " \u00b7 corrected");
    bubble.style.display = "block";
    var above = box.top - bubble.offsetHeight - 12;
    bubble.style.left = Math.max(4, Math.min(box.left, window.innerWidth - bubble.offsetWidth - 4)) + "px";
    bubble.style.top = (above > 60 ? above : box.bottom + 12) + "px";
  }
  words.forEach(function (word) { word.removeAttribute("title"); });  // the bubble says it at once
  function hush() { bubble.style.display = "none"; }
  function count() { document.getElementById("count").textContent = doubtful.length ? (at < 0 ? "\u2013" : at + 1) + " / " + doubtful.length : "none"; }
  function go(to) {
    if (!doubtful.length) return;
    all(".here").forEach(function (word) { word.classList.remove("here"); });
    all(".list [aria-current]").forEach(function (link) { link.removeAttribute("aria-current"); });
    at = (to + doubtful.length) % doubtful.length;
    var word = doubtful[at], link = links[word.id];
    word.classList.add("here");
    word.tabIndex = -1;
    word.focus({ preventScroll: true });
    // On a phone a whole page is too small to read a word on.
    var height = Math.min(word.offsetHeight, word.offsetWidth);
    if (window.innerWidth <= 760 && height > 0 && height < 10) magnify(zoom * 14 / height);
    word.scrollIntoView({ block: "center", inline: "center" });
    if (link) {
      link.setAttribute("aria-current", "true");
      if (link.offsetParent && window.innerWidth > 760) link.scrollIntoView({ block: "nearest" });
    }
    say(word);
    count();
  }
  function magnify(to) {
    zoom = Math.min(6, Math.max(0.5, to));
    root.style.setProperty("--zoom", zoom);
    document.getElementById("zoom").textContent = Math.round(100 * zoom) + " %";
    hush();
    if (at >= 0) doubtful[at].scrollIntoView({ block: "center", inline: "center" });
  }
  function page_now() {
    var now = 0;
    pages.forEach(function (page, i) { if (page.getBoundingClientRect().top < window.innerHeight / 3) now = i; });
    return now;
  }
  function turn(by) {
    var page = pages[Math.min(pages.length - 1, Math.max(0, page_now() + by))];
    if (page) page.scrollIntoView({ block: "start" });
    hush();
  }
  function toggle(what) {
    var button = document.getElementById(what);
    if (button) button.setAttribute("aria-pressed", root.classList.toggle(what));
  }
  var actions = { next: function () { go(at + 1); }, previous: function () { go(at < 0 ? -1 : at - 1); }, larger: function () { magnify(zoom * 1.25); },
                  smaller: function () { magnify(zoom / 1.25); }, whole: function () { magnify(1); }, text: function () { toggle("text"); }, layout: function () { toggle("layout"); },
                  page_down: function () { turn(1); }, page_up: function () { turn(-1); } };
  var keys = { n: "next", p: "previous", "+": "larger", "=": "larger", "-": "smaller", "0": "whole", t: "text", l: "layout", "]": "page_down", "[": "page_up" };
  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !Object.prototype.hasOwnProperty.call(keys, event.key)) return;
    event.preventDefault();
    actions[keys[event.key]]();
  });
  all("[data-do]").forEach(function (button) { button.addEventListener("click", function () { actions[button.dataset.do](); }); });
  all(".list a").forEach(function (link) {
    link.addEventListener("click", function (event) {
      var word = document.getElementById(link.getAttribute("href").slice(1));
      event.preventDefault();
      go(doubtful.indexOf(word));
    });
  });
  document.addEventListener("mouseover", function (event) { if (event.target.classList && event.target.classList.contains("w")) say(event.target); });
  document.addEventListener("mouseout", function (event) { if (event.target.classList && event.target.classList.contains("w")) hush(); });
  window.addEventListener("scroll", function () { if (at < 0) hush(); }, { passive: true });
  if (window.innerWidth <= 760) all("aside details[open]").forEach(function (part) { part.open = false; });
  count();
  fit(3);
}());
' $js$;
COMMENT ON FUNCTION ocr.html_script() IS 'Internal: the script of ocr_html()';
