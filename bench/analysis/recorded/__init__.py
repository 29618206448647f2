"""The recording of one measurement, and the facts of its window that follow from it."""
