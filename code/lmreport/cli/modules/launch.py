"""`python -m lmreport.launch`: see `cli.launch`."""

import sys

from lmreport.cli.launch import main

if __name__ == "__main__":
    sys.exit(main())
