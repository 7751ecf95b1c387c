"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import Parameter

from orket.interfaces.cli.out import Out
from orket.interfaces.cli.session import Session
from orket.settings import Settings, load_settings

Pieces = Annotated[bool, Parameter(name="--watch", negative=(), show_default=False)]
Json = Annotated[bool, Parameter(name="--json", negative=(), show_default=False)]


@Parameter(name="*")
@attrs.frozen
class Where:
    """Where the engine keeps things.

    Attributes:
        data_dir: Directory of the ledger and of workspaces [default: $ORKET_DATA_DIR or .orket].
        url: The bridge to use instead, with the key in $ORKET_KEY [default: $ORKET_URL].
    """

    data_dir: Annotated[
        Path | None,
        Parameter(help="Directory of the ledger and of workspaces; $ORKET_DATA_DIR, else .orket."),
    ] = None
    url: Annotated[
        str | None,
        Parameter(help="Use the bridge there instead, with the key in $ORKET_KEY; $ORKET_URL."),
    ] = None

    def settings(
        self,
        *,
        host: str | None = None,
        port: int | None = None,
        model: str | None = None,
        model_dir: Path | None = None,
        record: Path | None = None,
    ) -> Settings:
        """Combine with the environment.

        Raises:
            SettingsError: A variable is malformed.
        """
        return load_settings(
            os.environ,
            Path.cwd(),
            data_dir=self.data_dir,
            host=host,
            port=port,
            model=model,
            model_dir=model_dir,
            record=record,
            url=self.url,
        )

    def session(self, settings: Settings, *, as_json: bool = False, pieces: bool = False) -> Session:
        """Open a session that recommends commands with the same data directory."""
        return Session(settings=settings, out=Out(), data_dir=self.words, as_json=as_json, pieces=pieces)

    @property
    def words(self) -> str:
        """The bridge or the data directory as recommended commands must name it, empty when nobody did."""
        return self.url or ("" if self.data_dir is None else str(self.data_dir))


HERE = Where()
