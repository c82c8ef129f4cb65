"""Shows a page in a real Chromium and says what there is to see, as JSON.

browser.py PORT DIRECTORY: page.html of DIRECTORY, through a chromedriver that listens on PORT. Screenshots are left in DIRECTORY.
"""

import base64
import json
import struct
import sys
import urllib.request
import zlib

PORT, DIRECTORY = sys.argv[1:]
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", f"--user-data-dir={DIRECTORY}/profile",
]
LOOK = """
const table = (section) => Object.fromEntries([...section.querySelectorAll('tbody tr')].map(
  (row, at) => [at + ' ' + row.querySelector('th').textContent, [...row.querySelectorAll('td')].map(cell => cell.textContent)]));
const overflowing = [...document.querySelectorAll('body *')].filter(
  e => !e.closest('svg') && e.getBoundingClientRect().right > document.documentElement.clientWidth + 0.5);
return {
  title: document.title,
  text: document.body.innerText,
  clipped: [...document.querySelectorAll('svg text')].filter(t => {
    const box = t.getBBox(), view = t.ownerSVGElement.viewBox.baseVal;
    return box.x < -0.5 || box.y < -0.5 || box.x + box.width > view.width + 0.5 || box.y + box.height > view.height + 0.5;
  }).map(t => t.outerHTML),
  plain: [...document.querySelectorAll('.plain')].map(p => [p.textContent, getComputedStyle(p).display]),
  tables: Object.fromEntries([...document.querySelectorAll('section')].map(s => [s.id, table(s)])),
  charts: Object.fromEntries([...document.querySelectorAll('figure')].map(
    f => [f.querySelector('h3').textContent, [...f.querySelectorAll('rect')].map(
      r => [r.querySelector('title').textContent, Math.round(r.getBoundingClientRect().height * 100) / 100, getComputedStyle(r).fill])])),
  hours: [...document.querySelectorAll('#hours rect title')].map(t => t.textContent),
  scripts: document.scripts.length,
  handlers: [...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))).length,
  links: [...document.querySelectorAll('[src],[href],link,iframe,object,embed,base,form,img')].map(e => e.outerHTML),
  width: document.documentElement.clientWidth,
  scroll: document.documentElement.scrollWidth,
  overflowing: overflowing.map(e => e.outerHTML.slice(0, 200)),
  height: document.documentElement.scrollHeight,
  ground: getComputedStyle(document.body).backgroundColor,
  ink: getComputedStyle(document.body).color,
};
"""
# As mail programs do that draw no SVG, and heed the styles.
UNDRAWN = """
document.querySelectorAll('svg').forEach(svg => svg.remove());
return [...document.querySelectorAll('.plain')].map(p => [p.textContent, getComputedStyle(p).display]);
"""


def call(method, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data=data, method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["value"]


def picture(png):
    """Width, height, and how many different bytes its pixels have."""
    width, height = struct.unpack(">II", png[16:24])
    at, packed = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IDAT":
            packed += png[at + 8 : at + 8 + length]
        at += length + 12
    return {"width": width, "height": height, "bytes": len(set(zlib.decompress(packed)))}


capabilities = {"browserName": "chrome", "goog:chromeOptions": {"args": FLAGS}, "goog:loggingPrefs": {"performance": "ALL"}}
session = "/session/" + call("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})["sessionId"]
try:
    cdp = lambda command, **parameters: call("POST", f"{session}/goog/cdp/execute", {"cmd": command, "params": parameters})
    seen = {}
    for width, scheme in [(1200, "light"), (1200, "dark"), (390, "light"), (390, "dark")]:
        cdp("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        call("POST", f"{session}/url", {"url": f"file://{DIRECTORY}/page.html"})
        look = call("POST", f"{session}/execute/sync", {"script": LOOK, "args": []})
        shot = cdp("Page.captureScreenshot", captureBeyondViewport=True,
                   clip={"x": 0, "y": 0, "width": width, "height": look["height"], "scale": 1})
        png = base64.b64decode(shot["data"])
        with open(f"{DIRECTORY}/{width}-{scheme}.png", "wb") as file:
            file.write(png)
        seen[f"{width}-{scheme}"] = look | {"picture": picture(png)}
    undrawn = call("POST", f"{session}/execute/sync", {"script": UNDRAWN, "args": []})
    events = [json.loads(entry["message"])["message"] for entry in call("POST", f"{session}/se/log", {"type": "performance"})]
    sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
    # Not those of the browser's own first page.
    asked = [of["request"]["url"] for of in sent if not of["documentURL"].startswith("chrome:")]
    print(json.dumps({"seen": seen, "undrawn": undrawn, "asked": sorted(set(asked))}))
finally:
    call("DELETE", session)
