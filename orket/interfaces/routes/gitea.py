"""``/v1/webhooks/gitea``: what a Gitea server tells, believed only with a signature of its secret.

A delivery needs no key. Whatever is not signed counts against where it comes from, and what is signed never
does: a flood of forgeries cannot lock the real ones out, which have places of their own besides.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from starlette.requests import Request
from starlette.responses import Response

from orket.interfaces.admission import Lane
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import ASKS, WITH_BODY, Answer, Operation, Parameter
from orket.interfaces.problems import (
    BAD_SIGNATURE,
    HOOK_OFF,
    INVALID,
    SIGNATURE_NEEDED,
    TOO_OFTEN,
    HttpRefusal,
    Kind,
)
from orket.interfaces.rates import retry_after
from orket.interfaces.reading import read_bytes
from orket.interfaces.visits import header, peer_of
from orket.orchestration.messages import HearForge
from orket.wire.codec import decode
from orket.wire.gitea import GiteaAnswer, GiteaDelivery, pull_request_event
from orket.wire.problems import Fault

SIGNATURE = "X-Gitea-Signature"
EVENT = "X-Gitea-Event"
DELIVERY = "X-Gitea-Delivery"
ASK_S = 10.0
_NAME = re.compile(r"[\x21-\x7e]{1,100}")
_HEX = re.compile(r"[0-9a-f]{64}")


async def hear(bridge: Bridge, request: Request) -> Response:
    """Check the signature over the bytes as they came, then decide and record."""
    hearer, settings = bridge.running.pull_requests, bridge.running.settings.gitea
    if hearer is None or settings is None:
        fault = Fault(place="path", pointer="", detail="is not heard: no secret is set")
        detail = "No secret is set: ORKET_GITEA_WEBHOOK_SECRET_FILE names its file."
        raise HttpRefusal(HOOK_OFF, detail, faults=[fault])
    limits = bridge.limits
    signature = header(request.scope, SIGNATURE.lower().encode())
    if signature is None:
        raise _unsigned(bridge, request, SIGNATURE_NEEDED, f"Sign the body: {SIGNATURE}, HMAC-SHA256.")
    if not _HEX.fullmatch(signature):
        raise _unsigned(bridge, request, BAD_SIGNATURE, "The signature is 64 hexadecimal digits.")
    body = await read_bytes(request, bytes_max=limits.body_bytes, seconds_max=limits.body_s)
    if not hmac.compare_digest(hmac.digest(settings.secret.encode(), body, hashlib.sha256).hex(), signature):
        raise _unsigned(bridge, request, BAD_SIGNATURE, "The signature is not one of this secret and body.")
    name, delivery_id = _named(request, EVENT), _named(request, DELIVERY)
    if not name.startswith("pull_request"):
        return json_response(GiteaAnswer(delivery=delivery_id, response="ignored", detail=f"event {name}"))
    event = pull_request_event(delivery_id, name, decode(GiteaDelivery, body))
    heard = await hearer.ask(HearForge(event=event), timeout=ASK_S)
    if heard.decided is None:
        return json_response(GiteaAnswer(delivery=delivery_id, response="repeated"))
    one = heard.decided
    told = GiteaAnswer(delivery=delivery_id, response=one.response, detail=one.detail, cycle=one.cycle)
    return json_response(told)


def _unsigned(bridge: Bridge, request: Request, kind: Kind, detail: str) -> HttpRefusal:
    wait_s = bridge.admission.unsigned_too_often(peer_of(request.scope))
    if wait_s > 0.0:
        again = {"retry-after": retry_after(wait_s), "connection": "close"}
        return HttpRefusal(TOO_OFTEN, "Too many deliveries without a good signature.", headers=again)
    fault = Fault(place="header", pointer=f"/{SIGNATURE}", detail=detail)
    # The body may not have been read, so the connection cannot be used again.
    return HttpRefusal(kind, detail, faults=[fault], headers={"connection": "close"})


def _named(request: Request, name: str) -> str:
    found = header(request.scope, name.lower().encode()) or ""
    if not _NAME.fullmatch(found):
        fault = Fault(place="header", pointer=f"/{name}", detail="1 to 100 printable ASCII characters")
        raise HttpRefusal(INVALID, f"{name}: {fault.detail}.", faults=[fault])
    return found


OPERATIONS = (
    Operation(
        name="hearGitea",
        method="POST",
        path="/v1/webhooks/gitea",
        summary="Tell what happened to a pull request",
        description="For a Gitea server, signed with the secret that both know. Answered when it is "
        "recorded; what follows is done afterwards. The same delivery is heard once.",
        handler=hear,
        body=GiteaDelivery,
        answers=(Answer(status=200, description="Recorded, or nothing follows.", body=GiteaAnswer),),
        parameters=(
            Parameter(
                name=SIGNATURE,
                place="header",
                description="HMAC-SHA256 of the body, 64 hexadecimal digits.",
                schema={"type": "string", "pattern": "^[0-9a-f]{64}$"},
            ),
            Parameter(name=EVENT, place="header", description="What kind of event it is."),
            Parameter(name=DELIVERY, place="header", description="The delivery's own id."),
        ),
        problems=(*WITH_BODY, *ASKS, HOOK_OFF, SIGNATURE_NEEDED, BAD_SIGNATURE),
        tag="webhooks",
        scope=None,
        lane=Lane.HOOK,
    ),
)
