"""Settings: read once from the environment and the command line, then passed on as a value."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from orket.domain.errors import SettingsError
from orket.domain.redaction import VALUE_CHARS_MIN, secret_values

PREFIX = "ORKET_"
_HOUSES = ("openai", "anthropic", "ollama")
# Longer paths do not fit into a Unix socket address (108 bytes on Linux, one of them the terminator).
SOCKET_PATH_BYTES_MAX = 100
SECRET_CHARS_MIN = 16
_GITEA_SECRETS = ("ORKET_GITEA_WEBHOOK_SECRET", "ORKET_GITEA_TOKEN")


@attrs.frozen(kw_only=True)
class LocalSettings:
    """How models on this machine are run; ``context_tokens`` bounds a question and its answer together."""

    threads: int = 1
    context_tokens: int = 8192


@attrs.frozen(kw_only=True)
class GiteaSettings:
    """The Gitea server whose deliveries are heard, see ``orket.domain.pull_requests.ReviewRules``.

    ``secret`` signs what it sends, ``token`` opens what is asked of it at ``url``.
    """

    secret: str = attrs.field(repr=False)
    url: str = ""
    token: str = attrs.field(default="", repr=False)
    reviewers: tuple[str, ...] = ()
    merge: bool = False
    run_target: str = ""
    lead: str = "lead_architect"


@attrs.frozen(kw_only=True)
class Settings:
    """Everything that can be set from outside.

    ``environ`` holds the ``ORKET_*`` variables only: the decision nodes selected there win over the
    organization's ``process_rules``. All paths are absolute. ``take_up`` says whether runs that were left
    running go on when the engine starts. ``weights_dir`` keeps the weights of models on this machine,
    ``local`` says how they are run. ``model_urls`` are the model servers by adapter, ``model_keys`` what
    opens them, by adapter or by URL. ``require_key`` says that the bridge needs a key on loopback too.
    ``url`` is the bridge that commands use instead of the data directory, ``key`` what opens it.
    ``image_model`` is the folder of the diffusers pipeline with which ``image_generate`` paints.
    ``http_inside`` lists the ``host:port`` of servers off the open net that ``http_request`` may reach.
    ``gitea`` is the server whose webhook is heard, if any. ``mcp_keys`` open MCP servers, by their URL.
    ``secrets`` are values that must not reach the ledger.
    """

    data_dir: Path
    model_dir: Path
    cwd: Path
    host: str = "127.0.0.1"
    port: int = 8082
    model: str = ""
    record: Path | None = None
    environ: Mapping[str, str] = attrs.field(factory=dict)
    take_up: bool = True
    weights_dir: Path = Path("weights")
    local: LocalSettings = attrs.field(factory=LocalSettings)
    model_urls: Mapping[str, str] = attrs.field(factory=dict)
    model_keys: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    require_key: bool = False
    url: str = ""
    key: str = attrs.field(default="", repr=False)
    image_model: Path | None = None
    http_inside: tuple[str, ...] = ()
    gitea: GiteaSettings | None = None
    mcp_keys: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    secrets: tuple[str, ...] = attrs.field(default=(), repr=False)

    @property
    def db_path(self) -> Path:
        """The ledger's database."""
        return self.data_dir / "durable" / "orket.db"

    @property
    def socket_path(self) -> Path:
        """Where a running engine serves the bridge to other commands."""
        return self.data_dir / "run" / "orket.sock"

    @property
    def keys_path(self) -> Path:
        """The digests of the bridge's keys."""
        return self.data_dir / "durable" / "keys.jsonl"

    @property
    def workspaces_dir(self) -> Path:
        """Where runs work that were not given a workspace."""
        return self.data_dir / "workspaces"


def load_settings(
    environ: Mapping[str, str],
    cwd: Path,
    *,
    data_dir: Path | None = None,
    model_dir: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    model: str | None = None,
    record: Path | None = None,
    url: str | None = None,
) -> Settings:
    """Combine arguments (they win), ``ORKET_*`` variables and defaults.

    Raises:
        SettingsError: A variable is malformed; the message names it.
    """
    keys = _model_keys(environ, cwd)
    named = environ.get("ORKET_MCP_KEYS_FILE", "")
    mcp_keys = _read_keys("ORKET_MCP_KEYS_FILE", cwd / named) if named else {}
    ours = {key: value for key, value in environ.items() if key.startswith(PREFIX)}
    gitea = _gitea(ours, cwd)
    forge = () if gitea is None else (gitea.secret, gitea.token)
    told = (*keys.values(), *mcp_keys.values(), *forge)
    return Settings(
        data_dir=cwd / (data_dir or Path(ours.get("ORKET_DATA_DIR", ".orket"))),
        model_dir=cwd / (model_dir or Path(ours.get("ORKET_MODEL_DIR", "model"))),
        cwd=cwd,
        host=host or ours.get("ORKET_HOST", "127.0.0.1"),
        port=_port(ours.get("ORKET_PORT", "8082")) if port is None else port,
        model=model or ours.get("ORKET_MODEL", ""),
        record=None if record is None else cwd / record,
        environ={key: value for key, value in ours.items() if key not in _GITEA_SECRETS},
        gitea=gitea,
        weights_dir=_weights_dir(ours, environ, cwd),
        image_model=cwd / ours["ORKET_IMAGE_MODEL"] if ours.get("ORKET_IMAGE_MODEL") else None,
        local=LocalSettings(
            threads=_number(ours, "ORKET_LOCAL_THREADS", default_threads(os.cpu_count() or 1), 1, 256),
            context_tokens=_number(ours, "ORKET_LOCAL_CONTEXT", 8192, 512, 1 << 20),
        ),
        model_urls={
            one: ours[f"ORKET_{one.upper()}_URL"] for one in _HOUSES if f"ORKET_{one.upper()}_URL" in ours
        },
        model_keys=keys,
        mcp_keys=mcp_keys,
        secrets=tuple(
            dict.fromkeys((*secret_values(environ), *_long((*keys.values(), *mcp_keys.values(), *told))))
        ),
        require_key=_yes(ours, "ORKET_REQUIRE_KEY"),
        url=_url(url or ours.get("ORKET_URL", "")),
        key=ours.get("ORKET_KEY", "").strip(),
        http_inside=tuple(ours.get("ORKET_HTTP_INSIDE", "").replace(",", " ").split()),
    )


def _gitea(ours: Mapping[str, str], cwd: Path) -> GiteaSettings | None:
    secret, token = (_secret(ours, name, cwd) for name in _GITEA_SECRETS)
    if not secret:
        return None
    if len(secret) < SECRET_CHARS_MIN:
        raise SettingsError(f"{_GITEA_SECRETS[0]}: a secret has at least {SECRET_CHARS_MIN} characters")
    url = ours.get("ORKET_GITEA_URL", "").rstrip("/")
    if not url.startswith(("http://", "https://")) or not token:
        raise SettingsError(
            "a webhook secret is set: ORKET_GITEA_URL and ORKET_GITEA_TOKEN_FILE are needed too"
        )
    return GiteaSettings(
        secret=secret,
        url=url,
        token=token,
        reviewers=tuple(ours.get("ORKET_GITEA_REVIEWERS", "").replace(",", " ").split()),
        merge=_yes(ours, "ORKET_GITEA_MERGE"),
        run_target=ours.get("ORKET_GITEA_RUN_TARGET", ""),
        lead=ours.get("ORKET_GITEA_LEAD", "lead_architect"),
    )


def _secret(ours: Mapping[str, str], name: str, cwd: Path) -> str:
    """Read a secret from the file that ``NAME_FILE`` names, or from ``NAME``."""
    if not (named := ours.get(f"{name}_FILE", "")):
        return ours.get(name, "").strip()
    try:
        text = (cwd / named).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE: {cwd / named}: cannot be read") from error
    if not text.isascii() or not text.isprintable() or not text:
        raise SettingsError(f"{name}_FILE: {cwd / named}: must hold one line of ASCII text")
    return text


def _long(keys: Iterable[str]) -> Iterator[str]:
    return (one for one in keys if len(one) >= VALUE_CHARS_MIN)  # shorter ones would be found everywhere


def _model_keys(environ: Mapping[str, str], cwd: Path) -> dict[str, str]:
    """Collect what opens model servers: from the environment by adapter, from a file by URL."""
    keys = {one: environ.get(f"{one.upper()}_API_KEY", "").strip() for one in _HOUSES}
    if named := environ.get("ORKET_MODEL_KEYS_FILE", ""):
        keys |= _read_keys("ORKET_MODEL_KEYS_FILE", cwd / named)
    return {one: key for one, key in keys.items() if key}


def _read_keys(name: str, path: Path) -> dict[str, str]:
    what = f"{name}: {path}"
    try:
        told: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{what}: cannot be read: {error.strerror}") from error
    except ValueError:  # its words may quote the file
        raise SettingsError(f"{what}: is not JSON") from None
    if not isinstance(told, dict):
        raise SettingsError(f"{what}: must be an object of keys by URL")
    for url, key in told.items():
        if not isinstance(key, str) or not key.isascii() or not key.strip().isprintable():
            raise SettingsError(f"{what}#/{url.replace('/', '~1')}: the key must be a line of ASCII text")
    return {url: key.strip() for url, key in told.items()}


def default_threads(cores: int) -> int:
    """Half of the cores: threads that wait for each other fall far behind when others want the cores."""
    return max(1, cores // 2)


def _weights_dir(ours: Mapping[str, str], environ: Mapping[str, str], cwd: Path) -> Path:
    if named := ours.get("ORKET_WEIGHTS_DIR", ""):
        return cwd / named
    cache = environ.get("XDG_CACHE_HOME", "")
    home = Path(cache) if cache.startswith("/") else Path(environ.get("HOME") or "~").expanduser() / ".cache"
    return home / "orket" / "weights"


def _number(ours: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    text = ours.get(name, "").strip()
    if not text:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise SettingsError(f"{name}={text!r} is not a number from {least} to {most}")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise SettingsError(f"ORKET_PORT={text!r} is not a port number from 0 to 65535")
    return int(text)


def _url(text: str) -> str:
    """Check the address of a bridge; a path in it is kept, for bridges that are mounted below another app."""
    if text and not text.startswith(("http://", "https://")):
        raise SettingsError(f"{text!r} is no address of a bridge; write it as http://127.0.0.1:8082")
    return text.rstrip("/")


def _yes(environ: Mapping[str, str], name: str) -> bool:
    text = environ.get(name, "").strip().lower()
    if text not in ("", "0", "1", "false", "true", "no", "yes"):
        raise SettingsError(f"{name}={text!r} is neither yes nor no; use 1 or 0")
    return text in ("1", "true", "yes")
