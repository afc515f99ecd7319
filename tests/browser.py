"""Open pages in a headless Chromium, as a reader would, and ask it what it sees.

Chromium is spoken to over its DevTools protocol: no driver is needed, and windows may be as narrow as a telephone's.
"""

import itertools
import json
import shutil
import subprocess
import tempfile
import time
from base64 import b64decode
from pathlib import Path

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# what sticks out of the window, and is no part of a box that scrolls
WIDER = """(() => {
  const width = document.documentElement.clientWidth, wide = [];
  for (const e of document.querySelectorAll("body *")) {
    if (e.getBoundingClientRect().right <= width + 1 || !e.getClientRects().length) continue;
    let up = e.parentElement;
    while (up && getComputedStyle(up).overflowX === "visible") up = up.parentElement;
    if (!up || up === document.body || up === document.documentElement) wide.push(e.outerHTML.slice(0, 120));
  }
  return {page: document.scrollingElement.scrollWidth, window: innerWidth, wide: wide.slice(0, 3)};
})()"""


class Browser:
    "A headless Chromium with one page."

    def __init__(self):
        from websocket import create_connection

        self.folder = tempfile.TemporaryDirectory()
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
                   "--disable-dev-shm-usage", "--allow-file-access-from-files", "--remote-allow-origins=*",
                   "--remote-debugging-port=0", f"--user-data-dir={self.folder.name}", "about:blank"]
        self.process = subprocess.Popen([PROGRAM, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        port = self._port()
        self.number, self.said = itertools.count(1), []
        self.socket = create_connection(self._page_of(port), timeout=60)
        for domain in ("Page", "Runtime", "Log", "Network"): self.ask(f"{domain}.enable")

    def _port(self) -> str:
        "The port that Chromium chose, once it has."
        file = Path(self.folder.name) / "DevToolsActivePort"
        for _ in range(600):
            if file.exists() and file.read_text().count("\n"): return file.read_text().split()[0]
            time.sleep(0.1)
        raise RuntimeError("Chromium did not start within a minute")

    def _page_of(self, port: str) -> str:
        "The address of the one page."
        from urllib.request import urlopen

        pages = json.load(urlopen(f"http://127.0.0.1:{port}/json/list"))
        return next(p["webSocketDebuggerUrl"] for p in pages if p["type"] == "page")

    def ask(self, method: str, **parameters) -> dict:
        "Send one command and wait for its answer; what the page says meanwhile is kept."
        number = next(self.number)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == number:
                if "error" in answer: raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.said.append(answer)

    def open(self, address: str, width: int, height: int = 900, dark: bool = False) -> None:
        "Load a page in a window of this size, and wait until it is complete."
        self.said.clear()
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        answer = self.ask("Page.navigate", url=address)
        if "errorText" in answer: raise RuntimeError(f"{address}: {answer['errorText']}")
        while not any(event.get("method") == "Page.loadEventFired" for event in self.said):
            self.said.append(json.loads(self.socket.recv()))

    def evaluate(self, expression: str):
        "The value of an expression of JavaScript."
        result = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result: raise RuntimeError(result["exceptionDetails"]["text"])
        return result["result"].get("value")

    def wider(self) -> dict:
        "Widths of page and window, and what sticks out."
        return self.evaluate(WIDER)

    def complaints(self) -> list[str]:
        "Errors in the console, exceptions, and what could not be loaded."
        found = []
        for event in self.said:
            method, told = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown": found.append(str(told["exceptionDetails"])[:300])
            if method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
                found.append(str(told["args"])[:300])
            if method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
                found.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        return found

    def requests(self) -> list[str]:
        "What the page asked for."
        return [e["params"]["request"]["url"] for e in self.said if e.get("method") == "Network.requestWillBeSent"]

    def picture(self, path: Path, whole: bool = False) -> None:
        "Write what the window, or the whole page, shows as PNG."
        Path(path).write_bytes(b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))

    def close(self) -> None:
        "End this Chromium."
        self.socket.close()
        self.process.terminate()
        self.process.wait(20)
        self.folder.cleanup()

    def __enter__(self): return self

    def __exit__(self, *_): self.close()
