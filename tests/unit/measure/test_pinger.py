"""`GET /ping` beside a load, from a real server that takes its time."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.analysis.recorded.pings import inside, unanswered
from bench.analysis.recorded.windows import Window
from bench.measure.watch.pinger import EVERY_S, Pinger

TAKES_S = 0.6


class Slow(BaseHTTPRequestHandler):
    """Answers each request after TAKES_S, however many there are; not at all once `gone` is set."""

    gone = threading.Event()

    def do_GET(self) -> None:
        time.sleep(TAKES_S)
        if not self.gone.is_set():
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_nobody_who_asks_waits_for_the_answer_of_another() -> None:
    """More than twice as many are asked as one after the other could be; each takes what the server takes."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Pinger(f"http://127.0.0.1:{server.server_address[1]}") as pinger:
            time.sleep(6 * EVERY_S)
        server.shutdown()
    assert 5 <= len(pinger.pings) <= 8
    assert {one.status for one in pinger.pings} == {200}
    assert all(TAKES_S * 1000 <= one.latency_ms < TAKES_S * 2000 for one in pinger.pings)


def test_a_server_that_hangs_up_is_status_0() -> None:
    """It counts with its age, and as one without a good answer."""
    Slow.gone.set()
    try:
        with ThreadingHTTPServer(("127.0.0.1", 0), Slow) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            with Pinger(f"http://127.0.0.1:{server.server_address[1]}") as pinger:
                time.sleep(EVERY_S / 2)
            server.shutdown()
    finally:
        Slow.gone.clear()
    assert {one.status for one in pinger.pings} == {0}
    window = Window(0, 2**62, 1)
    assert len(inside(pinger.pings, window)) == unanswered(pinger.pings, window) == len(pinger.pings) > 0
