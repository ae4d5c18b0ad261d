"""Who may come in: accounts, sessions, app passwords, and the one place where grants are decided."""

from segue.access._accounts import DEFAULT_SCOPES, SCOPES, Accounts, Preferences, Session, SignedIn
from segue.access._secrets import Vault

__all__ = ["DEFAULT_SCOPES", "SCOPES", "Accounts", "Preferences", "Session", "SignedIn", "Vault"]
