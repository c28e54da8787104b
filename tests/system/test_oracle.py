#!/usr/bin/env python3
"""The oracle agrees with cases computed by hand."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from oracle.test_oracle import *  # noqa: E402,F401,F403

if __name__ == "__main__":
    unittest.main(verbosity=2)
