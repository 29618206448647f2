"""The contract of all services: models, parameters, error answers and the table of operations.

Only definitions are shared. Each service has its own code for reading and writing rows.
"""
