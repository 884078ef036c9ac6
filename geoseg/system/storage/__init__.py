"""Where a run keeps finished blocks and puts its results: a local folder, or a prefix of a bucket.

``storage`` says what both can do; ``local`` does it with files, renames and locks of the operating system, ``objects``
with whole objects, conditional requests and a ``lease``; ``address`` reads URLs, ``connection`` talks to the server.
May import: system, errors.
"""
