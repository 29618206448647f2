"""What a harness tells a load whose cell takes turns with others: one word a line, on its standard input.

The load hears when to begin and when to end. In between it hears nothing: while a service is frozen, its users wait.
"""

BEGIN, WARM_UP, END = "begin", "warm-up", "end"
