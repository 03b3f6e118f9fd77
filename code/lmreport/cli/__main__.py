"""`python -m lmreport.cli`: the command line, also where the command lmreport is not installed."""

import sys

from lmreport.cli.main import main

sys.exit(main())
