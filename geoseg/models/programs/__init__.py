"""PT2 archives of ``torch.export``, read as data and run operator by operator.

``archive`` reads the zip file, ``reader`` its program; ``operators`` has what may run; ``network`` is the module.
torch's own reader is not used: it evaluates texts of the file as Python and unpickles objects.
May import what the rest of ``models`` may, but no file beside these that runs networks.
"""
