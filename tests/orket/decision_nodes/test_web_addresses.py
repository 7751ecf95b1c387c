"""Web addresses: only what every program reads in the same way, and the policy that opens them one by one."""

from urllib.parse import urlsplit

import attrs
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.tool_gate import DefaultToolGate
from orket.decision_nodes.web_addresses import address_problem, normal_address
from orket.domain.assets import PolicyRule
from orket.domain.ports import WebClient
from orket.domain.tools import GateDecision, Verdict
from orket.domain.web import WebRequest, WebResponse
from orket.services.tools.http_request import http_request_tool
from tests.orket.decision_nodes.cases import asked

CHARACTERS = "abAB01.-_~%2fe:@/?#[]\\ \t\n&=+ö"


class Nowhere(WebClient):
    """No web at all."""

    async def fetch(self, request: WebRequest) -> WebResponse:
        raise AssertionError("the gate does not fetch")


SPEC = http_request_tool(Nowhere()).spec


def judge(url: str, *policy: PolicyRule) -> GateDecision:
    given_ = asked("http_request", {"url": url}, role_tools=("http_request",), policy=policy)
    return DefaultToolGate().judge(attrs.evolve(given_, spec=SPEC))


@pytest.mark.parametrize(
    ("address", "normal"),
    [
        ("https://example.org", "https://example.org/"),
        ("HTTPS://Example.ORG:443/A?b=C", "https://example.org/A"),
        ("http://example.org:8080/a%20b/", "http://example.org:8080/a%20b/"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://10.0.0.1?x", "http://10.0.0.1/"),
    ],
)
def test_plain_addresses(address: str, normal: str) -> None:
    assert address_problem(address) == ""
    assert normal_address(address) == normal


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.org",
        "ftp://example.org/",
        "file:///etc/passwd",
        "https:/example.org",
        "https://user@example.org/",
        "https://example.org@evil.example/",
        "https://example.org\\@evil.example/",
        "https://example.org#@evil.example/",
        "https://example.org /",
        " https://example.org/",
        "https://example.org/\r\nHost: evil",
        "https://exämple.org/",
        "https://example.org:99999/",
        "https://example.org:0/",
        "https://example.org:/",
        "https://example..org/",
        "https://-example.org/",
        "https://example.org/a/../b",
        "https://example.org/a/%2E%2e/b",
        "https://example.org/a%2fb",
        "https://example.org/%",
        "https://example.org/?%zz",
        "https://" + "a" * 3_000,
    ],
)
def test_what_could_be_read_in_two_ways_does_not_pass(address: str) -> None:
    assert address_problem(address)
    assert judge(address, PolicyRule(effect="allow", tool="http_request")).rule in {"address", "arguments"}


@given(st.text(CHARACTERS, max_size=20), st.text(CHARACTERS, max_size=20))
def test_two_parsers_agree_about_what_passes(host: str, rest: str) -> None:
    address = f"https://{host}/{rest}"
    if address_problem(address):
        return
    one, other = urlsplit(address), httpx2.URL(address)
    assert one.hostname == other.host
    assert (one.port or 443) == (other.port or 443)
    assert one.username is None
    assert normal_address(address) == normal_address(normal_address(address))


def test_the_network_is_closed_until_a_rule_names_the_tool() -> None:
    url = "https://api.example.org/v1/x"
    assert (judge(url).verdict, judge(url).rule) == (Verdict.DENY, "closed")
    assert judge(url, PolicyRule(effect="allow")).rule == "closed"
    assert judge(url, PolicyRule(effect="allow", tool="http_*")).rule == "closed"
    opened = PolicyRule(effect="allow", tool="http_request", path="https://api.example.org/v1/*")
    assert judge(url, opened).verdict is Verdict.ALLOW
    assert judge("https://API.example.org:443/v1/x?y", opened).verdict is Verdict.ALLOW
    for elsewhere in ("http://api.example.org/v1/x", "https://api.example.org.evil.example/v1/x"):
        assert judge(elsewhere, opened).verdict is Verdict.DENY
    assert judge(url, opened, PolicyRule(effect="ask", tool="http_request")).verdict is Verdict.ASK
    assert judge(url, opened, PolicyRule(effect="deny", path="*/v1/*")).rule == "policy/1"
