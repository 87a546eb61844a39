"""``python -m unibuild``: the same as the ``unibuild`` command."""

import sys

from unibuild.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
