"""The page's charts."""

import logging

# Before any module of this package imports it: without a home folder that can be written, matplotlib keeps its list of
# fonts in a temporary folder, which is all right, and warns of it.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
