"""`python -m lmreport.bench`: see `experiments.bench.measure`."""

import sys

from lmreport.experiments.bench.measure import main

if __name__ == "__main__":
    sys.exit(main())
