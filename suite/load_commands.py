"""What a harness tells a load whose cell takes turns with others: one word a line, on its standard input.

The load hears when to warm up and when to end. In between it hears nothing: while a service is frozen, its users wait.
"""

WARM_UP, END = "warm-up", "end"
