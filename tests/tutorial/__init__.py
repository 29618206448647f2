"""The same point read as the documentation of each library writes it: what its users would hold our services against.

`make selfbench PARTS=tutorial` measures each service beside its namesake here. So these files leave out all that the
documentation leaves out: time-outs, metrics, error handlers. Only the pool has the settings of the services.
"""
