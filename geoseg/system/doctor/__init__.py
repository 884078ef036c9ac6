"""``geoseg doctor``: does geoseg work on this machine, what does it find there, and how is a defect mended.

``software`` versions, ``machine`` cores, memory, limits and folders; ``probe`` runs the self-test in a process of its
own, which may crash or hang; ``diagnosis`` puts these together; ``support`` removes names and secrets.
No package that may be broken is imported here. May import: errors and the other files of system.
"""

from __future__ import annotations

from geoseg.system.doctor.diagnosis import Diagnosis, diagnose
from geoseg.system.doctor.software import version_lines
from geoseg.system.doctor.support import support_text

__all__ = ["Diagnosis", "diagnose", "support_text", "version_lines"]
