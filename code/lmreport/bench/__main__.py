"""`python -m lmreport.bench`: see `measure`."""

import sys

from lmreport.bench.measure import main

sys.exit(main())
