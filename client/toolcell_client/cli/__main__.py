"""
`python -m toolcell_client.cli`, where the script `toolcell` is not on the path.
"""

import sys

from toolcell_client.cli import main

if __name__ == "__main__":
    sys.exit(main())
