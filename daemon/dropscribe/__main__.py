"""`python -m dropscribe`."""

import sys

from dropscribe.cli import main

sys.exit(main())
