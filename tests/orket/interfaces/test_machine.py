"""The bridge and a model of the engine, driven together: whatever is asked in whatever order, they agree."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from typing import Any

import attrs
import httpx2
from anyio.from_thread import BlockingPortal, start_blocking_portal
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from tests.orket.interfaces.engines import House, open_house
from tests.orket.interfaces.test_events import seqs

STATES = {"running": "working", "paused": "input_required", "canceled": "cancelled"}
COMMANDS = {"pause": "paused", "resume": "running", "cancel": "canceled"}
EVENTS_OF_A_START = 4
IF_MATCH = st.sampled_from(["", "right", "wrong", "*"])


@attrs.define
class Run:
    """What the model knows of a run."""

    id: str
    target: str
    seqs: list[int]
    status: str = "running"


class BridgeMachine(RuleBasedStateMachine):
    """Commands and looks at random; the model says what each must answer."""

    runs = Bundle("runs")

    def __init__(self) -> None:
        super().__init__()
        self.portals: AbstractContextManager[BlockingPortal] = start_blocking_portal("asyncio")
        self.portal = self.portals.__enter__()
        self.houses = self.portal.wrap_async_context_manager(open_house())
        self.house: House = self.houses.__enter__()
        self.known: dict[str, Run] = {}
        self.keys: dict[str, tuple[str, str]] = {}
        self.newest = 0
        self.halted = False

    def teardown(self) -> None:
        self.houses.__exit__(None, None, None)
        self.portals.__exit__(None, None, None)

    def call(self, work: Callable[[], Awaitable[httpx2.Response]]) -> httpx2.Response:
        return self.portal.call(work)  # type: ignore[arg-type]  # an awaitable is one

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.call(lambda: self.house.client.get(path, headers=headers))

    def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
        given = {name.replace("_", "-"): text for name, text in headers.items() if text}
        return self.call(lambda: self.house.client.post(path, json=body, headers=given))

    def happened(self, count: int) -> list[int]:
        self.newest += count
        return list(range(self.newest - count + 1, self.newest + 1))

    @rule(target=runs, name=st.sampled_from("ab"), key=st.sampled_from(["", "k1", "k2"]))
    def start(self, name: str, key: str) -> str:
        answer = self.post("/v1/runs", {"target": name}, idempotency_key=key)
        if key and self.keys.get(key, (name, ""))[0] != name:
            assert answer.status_code == 422
            return self.keys[key][1]
        assert answer.status_code == 202
        run_id = str(answer.json()["id"])
        if key in self.keys:
            assert run_id == self.keys[key][1]
            assert answer.headers["idempotency-replayed"] == "true"
            return run_id
        assert run_id not in self.known
        self.known[run_id] = Run(run_id, name, self.happened(EVENTS_OF_A_START))
        if key:
            self.keys[key] = (name, run_id)
        return run_id

    @rule(run=runs, command=st.sampled_from(sorted(COMMANDS)), match=IF_MATCH)
    def control(self, run: str, command: str, match: str) -> None:
        known = self.known[run]
        tag = {"right": f'"{known.seqs[-1]}"', "wrong": f'"{known.seqs[-1] + 1}"'}.get(match, match)
        answer = self.post(f"/v1/runs/{run}/{command}", {"by": "ada"}, if_match=tag)
        if match == "wrong":
            assert answer.status_code == 412
        elif known.status == "canceled":
            assert (answer.status_code, answer.json()["allowed"]) == (409, ["fork"])
        else:
            known.status, known.seqs = COMMANDS[command], known.seqs + self.happened(1)
            assert (answer.status_code, answer.json()) == (200, {"id": run, "status": known.status})

    @rule(run=runs)
    def cancel_the_operation(self, run: str) -> None:
        known = self.known[run]
        answer = self.post(f"/v1/operations/{run}/cancel", {})
        if known.status == "canceled":
            assert answer.status_code == 409
        else:
            known.status, known.seqs = "canceled", known.seqs + self.happened(1)
            assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")

    @rule(run=runs, waits=st.booleans())
    def look(self, run: str, waits: bool) -> None:
        known = self.known[run]
        prefer = {"prefer": "wait=0"} if waits else {}
        shown = self.get(f"/v1/runs/{run}", **prefer)
        assert shown.json()["status"] == known.status
        assert shown.headers["etag"] == f'"{known.seqs[-1]}"'
        again = self.get(f"/v1/runs/{run}", **{"if-none-match": shown.headers["etag"]})
        assert again.status_code == 304
        operation = self.get(f"/v1/operations/{run}").json()
        assert operation["state"] == STATES[known.status]
        assert (operation["poll_after_s"] is None) == (known.status == "canceled")

    @rule(run=consumes(runs), seen=st.integers(0, 8))
    def follow_to_the_end(self, run: str, seen: int) -> None:
        """A stream ends with its run, so a run that goes on is canceled first."""
        known = self.known[run]
        if known.status != "canceled":
            self.control(run, "cancel", "")
        after = known.seqs[min(seen, len(known.seqs)) - 1] if seen else 0
        answer = self.get(f"/v1/runs/{run}/events?after={after}")
        left = [one for one in known.seqs if one > after]
        assert (answer.status_code, seqs(answer.content)) == (200 if left else 204, left)

    @rule(limit=st.integers(1, 3), only_open=st.booleans())
    def page_through(self, limit: int, only_open: bool) -> None:
        path, found = f"/v1/runs?limit={limit}&open={str(only_open).lower()}", []
        while path:
            page = self.get(path).json()
            assert len(page["runs"]) <= limit
            found += [one["id"] for one in page["runs"]]
            path = page["next"]
        expected = [one.id for one in self.known.values() if not (only_open and one.status == "canceled")]
        assert found == expected[::-1]

    @rule(halt=st.booleans())
    def stop_or_go(self, halt: bool) -> None:
        self.post(f"/v1/system/{'halt' if halt else 'release'}", {})
        self.halted = halt
        self.happened(1)

    @rule(path=st.sampled_from(["/v1/runs/ffffffff", "/v1/operations/ffffffff", "/v1/runs/ffffffff/turns"]))
    def look_for_what_is_not_there(self, path: str) -> None:
        answer = self.get(path)
        assert (answer.status_code, answer.json()["errors"][0]["in"]) == (404, "path")

    @invariant()
    def the_engine_and_the_model_agree(self) -> None:
        assert self.get("/v1/system/engine").json()["halted"] is self.halted
        beat = self.get("/v1/system/heartbeat").json()
        assert beat["runs_open"] == sum(one.status != "canceled" for one in self.known.values())
        assert (beat["requests_under_way"], beat["streams_open"]) == (1, 0)


TestBridge = BridgeMachine.TestCase
TestBridge.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
