"""What a run reports, and where its time goes.

``reporters`` print events (bar, JSON lines, nothing); ``ordered`` buffers a scene's events until earlier scenes finish;
``pace`` and ``forecast`` estimate the time left; ``timing`` adds up seconds per stage; ``trace`` writes a timeline for
chrome://tracing.
In: events and spans. Out: lines and one JSON file. May import: system, errors.
"""

from __future__ import annotations

from geoseg.progress.reporters import PROTOCOL, Reporter

__all__ = ["PROTOCOL", "Reporter"]
