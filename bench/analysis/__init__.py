"""The meaning of recorded facts: verdicts, intervals, rulings. Pure: no process, no network."""
