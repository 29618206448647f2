"""What a harness tells a load whose cell takes turns with others: one word a line, on its standard input.

Only its beginning and its end are told. Between them the users wait by themselves whenever their service is frozen.
"""

BEGIN, WARM_UP, END = "begin", "warm-up", "end"
