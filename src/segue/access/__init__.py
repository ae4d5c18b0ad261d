"""Who may come in: accounts, sessions, app passwords, and the one place where grants are decided."""

from segue.access._accounts import DEFAULT_SCOPES, SCOPES, Accounts, Preferences, Session, SignedIn, zone_of
from segue.access._lastfm import LONGEST_KEY, LastfmAccess, LastfmApp, NotApproved
from segue.access._secrets import Vault

__all__ = [
    "DEFAULT_SCOPES",
    "LONGEST_KEY",
    "SCOPES",
    "Accounts",
    "LastfmAccess",
    "LastfmApp",
    "NotApproved",
    "Preferences",
    "Session",
    "SignedIn",
    "Vault",
    "zone_of",
]
