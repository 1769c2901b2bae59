"""Remove calls that Windows lacks, in every process with this folder on its PYTHONPATH.

`os.register_at_fork` stays: torch calls it wherever `sys.platform` is not Windows.
"""

import os
import signal

for module, names in (
    (os, ("fchmod", "fork", "sched_getaffinity")),
    (signal, ("pthread_kill", "pthread_sigmask", "setitimer")),
):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
