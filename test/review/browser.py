"""Looks at pages that ocr_html() made, in Chromium without a window, and prints what it found as JSON: by viewport, by file.

usage: browser.py FOLDER_FOR_ITS_PROFILE desktop FILE... phone FILE...
"""
import json
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By

VIEWPORTS = {"desktop": (1400, 1000), "phone": (390, 844)}

# In pixels of the image: of each word its place, how wide its letters are, and whether there is ink.
WORDS = """
    const found = [];
    for (const sheet of document.querySelectorAll(".sheet")) {
        const image = sheet.querySelector("img"), paper = sheet.getBoundingClientRect();
        const canvas = document.createElement("canvas");
        canvas.width = image ? image.naturalWidth : 1000;
        canvas.height = image ? image.naturalHeight : Math.round(1000 * paper.height / paper.width);
        const context = canvas.getContext("2d");
        if (image) context.drawImage(image, 0, 0);
        const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
        const dark = (x, y) => pixels[4 * (y * canvas.width + x)] < 128 && pixels[4 * (y * canvas.width + x) + 3] > 0;
        const scale = canvas.width / paper.width, inked = [], covered = new Set();
        for (const word of sheet.querySelectorAll(".w")) {
            const box = word.getBoundingClientRect(), range = document.createRange();
            range.setStart(word.firstChild, 0);
            range.setEnd(word.firstChild, word.firstChild.data.replace(/ $/, "").length);
            const letters = range.getBoundingClientRect();
            const place = [box.left - paper.left, box.top - paper.top, box.right - paper.left, box.bottom - paper.top].map(v => v * scale);
            let ink = 0;
            for (let y = Math.max(0, Math.floor(place[1])); y < Math.min(canvas.height, place[3]); y++)
                for (let x = Math.max(0, Math.floor(place[0])); x < Math.min(canvas.width, place[2]); x++)
                    if (dark(x, y)) { ink++; covered.add(y * canvas.width + x); }
            inked.push({ text: word.firstChild.data.trim(), place: place.map(v => v / canvas.width), letters: letters.width / box.width, ink: ink > 0 });
        }
        let all = 0;
        for (let i = 0; i < pixels.length; i += 4) if (pixels[i] < 128 && pixels[i + 3] > 0) all++;
        const selection = getSelection();
        selection.selectAllChildren(sheet);
        found.push({ words: inked, covered: all ? covered.size / all : 1, selected: selection.toString() });
        selection.removeAllRanges();
    }
    return found;
"""


# Of each page with its layout drawn over it: the frames of its blocks on the screen, in shares of the page's width.
DRAWN = """
    return [...document.querySelectorAll(".sheet svg")].map(svg => {
        const paper = svg.parentNode.getBoundingClientRect();
        const frames = [...svg.querySelectorAll(".block")].map(block => block.getBoundingClientRect()).map(frame =>
            [frame.left - paper.left, frame.top - paper.top, frame.right - paper.left, frame.bottom - paper.top].map(v => v / paper.width));
        return { frames: frames, arrows: svg.querySelectorAll(".order path").length };
    });
"""


def browser(profile, width, height, phone):
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     "--no-first-run", "--disable-background-networking", "--disable-component-update",
                     f"--window-size={width},{height}", f"--user-data-dir={profile}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    if phone:
        options.add_experimental_option("mobileEmulation", {"deviceMetrics": {"width": width, "height": height, "pixelRatio": 2.0}})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def requests_of(driver):
    """What it asked of anybody but of the file and of what is in it."""
    urls = []
    for entry in driver.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            urls.append(message["params"]["request"]["url"])
    return [url for url in urls if not url.startswith(("file:", "data:", "chrome:", "about:"))]


def by_keys(driver):
    """What keys do: where the focus goes, how wide the page is, which page is at the top."""
    def press(keys):
        ActionChains(driver).send_keys(keys).perform()

    def focus():
        return driver.execute_script("return document.activeElement.id")

    def width():
        return driver.execute_script("return document.querySelector('.sheet').getBoundingClientRect().width")

    def in_view():
        return driver.execute_script("""
            const box = document.activeElement.getBoundingClientRect();
            return box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth""")

    said = {"before": focus()}
    for name, key in (("n", "n"), ("nn", "n"), ("nnp", "p"), ("nnpp", "p")):
        press(key)
        said[name] = focus()
    said["in_view"] = in_view()
    said["bubble"] = driver.execute_script("return document.getElementById('bubble').textContent")
    press("0")
    said["whole"] = width()
    press("+")
    said["larger"] = width()
    said["zoomed_in_view"] = in_view()
    press("0-")
    said["smaller"] = width()
    press("0")
    driver.execute_script("scrollTo(0, 0)")
    press("]")
    said["second"] = driver.execute_script("const p = document.getElementById('page2'); return p ? p.getBoundingClientRect().top : null")
    press("t")
    said["text"] = driver.execute_script("const w = document.querySelector('.w'); return w ? getComputedStyle(w).color : null")
    press("t")
    press("l")
    said["hidden"] = driver.execute_script("const svg = document.querySelector('.sheet svg'); return svg ? getComputedStyle(svg).display : null")
    press("l")
    return said


def look(driver, path, phone):
    driver.get("file://" + path)
    seen = {
        "pages": driver.execute_script(WORDS),
        "doubtful": driver.execute_script("return [...document.querySelectorAll('.list a')].map(a => [a.hash.slice(1), a.querySelector('bdi').textContent])"),
        "marked": driver.execute_script("return [...document.querySelectorAll('.sheet .c0, .sheet .c1')].map(w => w.id)"),
        "corrected": driver.execute_script("return [...document.querySelectorAll('.sheet .cp')].map(w => w.textContent.trim())"),
        "drawn": driver.execute_script(DRAWN),
        "scripts": driver.execute_script("return document.scripts.length"),
        "images": driver.execute_script("return document.images.length"),
        "hacked": driver.execute_script("return window.hacked === undefined ? null : String(window.hacked)"),
        "text": driver.execute_script("return document.body.innerText"),
        "sideways": driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth"),
    }
    seen["keys"] = by_keys(driver)
    links = driver.find_elements(By.CSS_SELECTOR, ".list a")
    if links and not phone:
        links[-1].click()
        seen["clicked"] = driver.execute_script("return document.activeElement.id")
    # Without scripts, what the style sheet alone makes of it.
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    driver.get("file://" + path)
    driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})
    seen["without_scripts"] = {
        "ran": driver.execute_script("return document.documentElement.classList.contains('js')"),
        "titles": driver.execute_script("return [...document.querySelectorAll('.sheet .w[title]')].map(w => [w.textContent.trim(), w.title])"),
        "drawn": driver.execute_script(DRAWN),
        "letters": [word["letters"] for page in driver.execute_script(WORDS) for word in page["words"]],
        "sideways": driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth"),
    }
    seen["console"] = [entry["message"] for entry in driver.get_log("browser")]
    seen["requests"] = requests_of(driver)
    return seen


def main():
    profile, rest = sys.argv[1], sys.argv[3:]
    paths = {"desktop": rest[:rest.index("phone")], "phone": rest[rest.index("phone") + 1:]}
    seen = {}
    for name, (width, height) in VIEWPORTS.items():
        driver = browser(f"{profile}-{name}", width, height, name == "phone")
        try:
            seen[name] = {path: look(driver, path, name == "phone") for path in paths[name]}
        finally:
            driver.quit()
    json.dump(seen, sys.stdout)


main()
