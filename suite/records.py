"""The binary format of a sample. The load writes such records, and the analysis reads them."""

import struct

import numpy as np

RECORD = np.dtype(
    [
        ("intended_ns", "<i8"), ("start_ns", "<i8"), ("service_time_ns", "<i8"), ("body_bytes", "<u4"),
        ("status", "<u2"), ("operation", "<u2"), ("error", "<u2"),
    ]
)  # fmt: skip
"""Times are on the monotonic clock. `operation` and `error` are numbers of names in the chunk (error 0: none)."""

PACKER = struct.Struct("<qqqIHHH")
"""The same format for one record at a time: ten times as fast as numpy for that."""

MISSED = "missed: no user was free"
"""The error of an arrival that was due and never sent."""

UNFINISHED = "unfinished: no answer when the load ended"
"""The error of a request that began and had no answer when the load stopped waiting for it."""

TIMED_OUT = "no answer within"
"""How the error of a request begins that the load gave up."""

NO_ANSWER_PAUSE_S = 0.2
"""How long a user waits after a request without any answer, before its next one."""
