"""Whether a measurement may be believed. Each rule takes its evidence, and returns a reason or nothing. Pure."""
