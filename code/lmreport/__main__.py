"""`python -m lmreport`: the command line."""

import sys

from lmreport.cli.main import main

sys.exit(main())
