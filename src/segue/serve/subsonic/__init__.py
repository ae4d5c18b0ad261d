"""OpenSubsonic: the protocol of the apps people already use. Subsonic 1.16.1 with the OpenSubsonic extensions named in ``_system``.

Parse, wire ids, wire records, one route table; nothing of it goes further in than this package.
"""

from segue.serve.subsonic._routes import routes

__all__ = ["routes"]
