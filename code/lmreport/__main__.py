"""`python -m lmreport`: the command line."""

import sys

from lmreport.cli import main

sys.exit(main())
