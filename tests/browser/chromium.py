"""A headless Chromium that tests use as a person would: pages opened, things pressed, what is there read."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--headless", "--hide-scrollbars", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
# Chromium reads its commands from descriptor 3 and answers on 4.
AS_3_AND_4 = """
import os, sys
from fcntl import F_DUPFD, fcntl
for there, here in enumerate([fcntl(int(one), F_DUPFD, 10) for one in sys.argv[1:3]], 3):
    os.dup2(here, there)
os.execv(sys.argv[3], sys.argv[3:])
"""


class Tab:
    """One open page, spoken to in the DevTools protocol over a pair of pipes."""

    def __init__(self, to: int, answers: int) -> None:
        self._to, self._answers = to, os.fdopen(answers, "rb", buffering=0)
        self._asked, self._waiting, self._session = 0, b"", ""
        self.console: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command, answered."""
        self._asked += 1
        message: dict[str, Any] = {"id": self._asked, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            self._note(answer)
            if answer.get("id") == self._asked:
                assert "error" not in answer, (method, answer["error"])
                result: dict[str, Any] = answer["result"]
                return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._waiting:
            more = self._answers.read(1 << 16)
            assert more, "Chromium has ended"
            self._waiting += more
        one, _, self._waiting = self._waiting.partition(b"\0")
        found: dict[str, Any] = json.loads(one)
        return found

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Runtime.exceptionThrown":
            self.console.append(json.dumps(message["params"]["exceptionDetails"]))
        elif message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.console.append(message["params"]["entry"]["text"])

    def open(self, url: str) -> None:
        """Go there."""
        self.send("Page.navigate", url=url)

    def resize(self, width_px: int, height_px: int) -> None:
        """As a screen of this size."""
        size = {"width": width_px, "height": height_px, "deviceScaleFactor": 1, "mobile": width_px < 600}
        self.send("Emulation.setDeviceMetricsOverride", **size)

    def run(self, script: str) -> Any:
        """The value of an expression of JavaScript, awaited where it is a promise."""
        done = self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in done, done
        return done["result"].get("value")

    def wait(self, condition: str, timeout_s: float = 20.0) -> None:
        """Poll an expression until it is truthy."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.run(f"Boolean({condition})"):
                return
            time.sleep(0.1)
        raise AssertionError(f"never true: {condition}\n{self.run('document.body.innerText')}")

    def picture(self, file: Path) -> None:
        """What is to be seen, as PNG."""
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))


@contextmanager
def opened(folder: Path) -> Iterator[Tab]:
    """An empty page of a browser whose profile is in `folder`."""
    theirs, to = os.pipe()
    answers, from_them = os.pipe()
    command = [
        sys.executable, "-c", AS_3_AND_4, str(theirs), str(from_them), str(CHROMIUM),
        *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}",
    ]  # fmt: skip
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(command, pass_fds=(theirs, from_them), stdout=log, stderr=log)
    os.close(theirs)
    os.close(from_them)
    try:
        yield Tab(to, answers)
    finally:
        with suppress(OSError):
            os.close(to)  # it ends when nobody can command it any more
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
