"""What every service answers: models, parameters, error answers and the table of operations.

Shared nouns only. How rows are read and written is each service's own business.
"""
