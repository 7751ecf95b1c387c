"""Lists of entity tags: a comma may be part of a tag, and what is no list is refused."""

from __future__ import annotations

import pytest

from tests.orket.interfaces.engines import open_house

pytestmark = pytest.mark.anyio


async def test_a_tag_with_a_comma_does_not_hide_the_next() -> None:
    async with open_house() as house:
        run = await house.run()
        tag = (await house.client.get(f"/v1/runs/{run}")).headers["etag"]
        for listed, status in ((f'"a,b" , W/{tag}', 304), (f'"a,{tag[1:-1]}"', 200), ('"", ":=b7+8"', 200)):
            answer = await house.client.get(f"/v1/runs/{run}", headers={"if-none-match": listed})
            assert answer.status_code == status, listed


@pytest.mark.parametrize("header", ["0", '"a', "", '"a" "b"', '"a",', "W/0"])
async def test_what_is_no_list_of_tags_is_refused(header: str) -> None:
    async with open_house() as house:
        run = await house.run()
        answer = await house.client.post(f"/v1/runs/{run}/pause", json={}, headers={"if-match": header})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/If-Match")
