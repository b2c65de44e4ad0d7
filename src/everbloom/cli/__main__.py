"""`python -m everbloom.cli`: the same as the console script."""

import sys

from everbloom.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
