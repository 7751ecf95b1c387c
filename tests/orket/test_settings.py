"""What comes from the environment, and that keys are known as secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.domain.errors import SettingsError
from orket.settings import load_settings

KEY, OTHER, THIRD = "key-of-the-house-1", "key-of-another-2", "key-of-the-notes-3"


def test_keys_come_from_the_environment_and_a_file_and_are_secrets(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(f'{{"https://host/v1": "{OTHER}\\n"}}', encoding="utf-8")
    environ = {"OPENAI_API_KEY": KEY, "ORKET_MODEL_KEYS_FILE": "keys.json", "ORKET_OLLAMA_URL": "http://h:1"}
    (tmp_path / "mcp.json").write_text(f'{{"https://notes/mcp": "{THIRD}"}}', encoding="utf-8")
    environ["ORKET_MCP_KEYS_FILE"] = "mcp.json"
    settings = load_settings(environ, tmp_path)
    assert settings.model_keys == {"openai": KEY, "https://host/v1": OTHER}
    assert settings.model_urls == {"ollama": "http://h:1"}
    assert settings.mcp_keys == {"https://notes/mcp": THIRD}
    assert {KEY, OTHER, THIRD} <= set(settings.secrets)
    assert THIRD not in repr(settings)
    assert KEY not in repr(settings)
    assert OTHER not in repr(settings)


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "cannot be read"), ("{", "not JSON"), ("[]", "by URL"), ('{"https://a/b": 3}', "https:~1~1a~1b")],
)
def test_a_file_of_keys_that_cannot_be_meant(tmp_path: Path, content: str | None, told: str) -> None:
    if content is not None:
        (tmp_path / "k").write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=f"ORKET_MODEL_KEYS_FILE.*{told}"):
        load_settings({"ORKET_MODEL_KEYS_FILE": "k"}, tmp_path)
