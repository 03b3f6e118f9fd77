"""`python -m lmreport.bench`: see `experiments.bench.main`."""

import sys

from lmreport.experiments.bench.main import main

if __name__ == "__main__":
    sys.exit(main())
