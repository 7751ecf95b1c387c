"""What a workspace path may look like, judged by its text alone.

The gate cannot see symbolic links; the sandbox resolves the path again when it acts. What is refused here is
refused before anything is touched, with a reason a model can act upon.
"""

from __future__ import annotations

import unicodedata

PATH_BYTES_MAX = 1_024
NAME_BYTES_MAX = 255
VERIFICATION_DIR = "verification"
# Orket's own data, version control, and secrets are nobody's working material.
PROTECTED = frozenset({".orket", ".git", ".hg", ".svn", ".ssh", ".env"})
# Where people keep keys and passwords: names without their endings, endings, and whole names.
_WORDS = {"secret", "secrets", "credential", "credentials", "password", "passwords", "passwd"}
_SECRET_STEMS = frozenset({*_WORDS, "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"})
_SECRET_SUFFIXES = (".pem", ".key", ".p12", ".pfx", ".kdbx", ".keystore", ".jks")
_SECRET_NAMES = frozenset({".netrc", ".npmrc", ".pypirc", ".pgpass", ".htpasswd", ".aws", ".gnupg", ".kube"})
_STRUCTURE = frozenset("/\\:~")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def parts(path: str) -> tuple[str, ...]:
    """Split a path into its names, without empty ones and ``.``."""
    return tuple(one for one in path.split("/") if one not in ("", "."))


def normal(path: str) -> str:
    """Write a path the one way that policy patterns are compared with; the workspace itself is ``.``."""
    return "/".join(parts(path)) or "."


def path_problem(path: str) -> str:
    """Say why ``path`` cannot be a path inside the workspace, or return an empty text."""
    if not path.strip():
        return "the path is empty"
    if any(unicodedata.category(one) in _INVISIBLE for one in path):
        return "the path holds control or invisible characters"
    if path != path.strip():
        return "the path begins or ends with a space"
    if "\\" in path:
        return "the path holds a backslash; folders are separated by /"
    if path.startswith(("/", "~")) or path[1:2] == ":":
        return "the path is absolute; paths are relative to the workspace"
    if len(path.encode()) > PATH_BYTES_MAX:
        return f"the path is longer than {PATH_BYTES_MAX} bytes"
    return next(filter(None, map(_name_problem, parts(path))), "")


def is_verification(path: str) -> bool:
    """Whether a path lies in the folder of the verification fixtures."""
    return _plain((parts(path) or ("",))[0]) == VERIFICATION_DIR


def holds_secrets(path: str) -> str:
    """Name the part of a path that says that keys or passwords are kept there, or return an empty text."""
    names = parts(path)
    if names and _names_a_secret(_plain(names[-1])):
        return names[-1]
    return next((one for one in names if _plain(one) in _SECRET_NAMES), "")


def _names_a_secret(plain: str) -> bool:
    stem = plain.lstrip(".").partition(".")[0]
    return stem in _SECRET_STEMS or plain.endswith(_SECRET_SUFFIXES)


def plain_name(path: str) -> str:
    """Return a path's last name with the differences folded that some file systems fold."""
    return _plain((parts(path) or ("",))[-1])


def _name_problem(name: str) -> str:
    if name == "..":
        return "the path leaves its folder (..)"
    folded = unicodedata.normalize("NFKC", name)
    if set(folded) & _STRUCTURE - set(name) or (not folded.strip(". ") and folded != name):
        return f"{name!r} reads as something else on other systems"
    if unicodedata.normalize("NFC", name) != name:
        return f"{name!r} is not in composed form (NFC); two names would look the same"
    if len(name.encode()) > NAME_BYTES_MAX:
        return f"a name in the path is longer than {NAME_BYTES_MAX} bytes"
    plain = _plain(name)
    if plain in PROTECTED or plain.startswith(".env."):
        return f"{name} is protected"
    return ""


def _plain(name: str) -> str:
    """Fold what some file systems fold, so that ``.GIT`` or ``.git.`` is not another folder there."""
    return unicodedata.normalize("NFKC", name).casefold().partition(":")[0].rstrip(". ")
