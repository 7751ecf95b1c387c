"""What the server says about itself: metrics, the catalog, the page for people."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from orket.interfaces.routes import OPERATIONS
from tests.orket.interfaces.engines import open_house

pytestmark = pytest.mark.anyio
LINE = re.compile(
    r'(?P<name>[a-z_]+)(?:\{(?P<labels>(?:[a-z]+="(?:[^"\\]|\\.)*",?)+)\})? (?P<value>[0-9.e+-]+)'
)


def read(text: str) -> dict[str, float]:
    """Read an exposition: every sample belongs to a family that was announced, each name once."""
    found: dict[str, float] = {}
    announced = ""
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            announced = line.split()[2]
        elif not line.startswith("#"):
            parsed = LINE.fullmatch(line)
            assert parsed is not None, line
            assert parsed["name"].startswith(announced)
            key = line.rpartition(" ")[0]
            assert key not in found
            found[key] = float(parsed["value"])
    return found


async def test_metrics_count_what_happened() -> None:
    async with open_house() as house:
        await house.run()
        await house.client.get("/v1/runs")
        await house.client.get("/v1/runs")
        await house.client.get("/v1/runs/nothing")
        await house.client.get("/nothing")
        await house.client.post("/v1/runs", json={"target": "a"})
        answer = await house.client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        found = read(answer.text)
        total = "orket_http_requests_total"
        assert found[f'{total}{{operation="listRuns",status="200"}}'] == 2
        assert found[f'{total}{{operation="getRun",status="404"}}'] == 1
        assert found[f'{total}{{operation="",status="404"}}'] == 1
        assert found[f'{total}{{operation="startRun",status="202"}}'] == 1
        assert found['orket_http_request_seconds_bucket{operation="listRuns",le="+Inf"}'] == 2
        assert found['orket_http_request_seconds_count{operation="listRuns"}'] == 2
        assert found['orket_runs_open{status="running"}'] == 2
        assert found["orket_up"] == 1
        assert found["orket_http_requests_under_way"] == 1
        assert found['orket_engine_commands_total{end="handled"}'] == 1
        buckets = [
            v
            for k, v in found.items()
            if k.startswith('orket_http_request_seconds_bucket{operation="startRun"')
        ]
        assert buckets == sorted(buckets)


async def test_metrics_of_an_engine_that_has_stopped() -> None:
    async with open_house() as house:
        await house.orket.system.stop()
        found = read((await house.client.get("/metrics")).text)
        assert found["orket_up"] == 0
        assert "orket_engine_mailbox_depth" not in found


async def test_the_catalog_leads_to_what_is_there() -> None:
    async with open_house() as house:
        answer = await house.client.get("/.well-known/api-catalog")
        assert answer.headers["content-type"].startswith("application/linkset+json")
        (links,) = answer.json()["linkset"]
        assert links["anchor"] == "/v1"
        for relation in ("service-desc", "service-doc", "status"):
            for link in links[relation]:
                found = await house.client.get(link["href"])
                assert found.status_code == 200
                assert found.headers["content-type"].startswith(link["type"])
        head = await house.client.head("/.well-known/api-catalog")
        assert head.headers["link"] == '</.well-known/api-catalog>; rel="api-catalog"'


class Page(HTMLParser):
    """Collects what a page refers to, and its anchors."""

    def __init__(self) -> None:
        super().__init__()
        self.refers: list[str] = []
        self.ids: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("href", "src", "action"):
                self.refers.append(value or "")
            if name == "id":
                self.ids.append(value or "")


async def test_the_page_needs_nothing_from_elsewhere_and_has_everything() -> None:
    async with open_house() as house:
        answer = await house.client.get("/docs")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        page = Page()
        page.feed(answer.text)
        assert not page.tags & {"script", "link", "img", "iframe"}
        assert set(page.ids) == {one.name for one in OPERATIONS}
        assert {one.removeprefix("#") for one in page.refers} == {*page.ids, "openapi.json"}
        assert "url(" not in answer.text
