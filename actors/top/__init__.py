"""Watch a running system from outside: ``python -m actors.top SOCKET``.

::

    async with ActorSystem("bank") as system, actors.top.serve(system, "bank.sock"):
        ...

Nothing is collected and nothing is sent until somebody looks. Of messages only the class names are
shown, never their contents. The viewer needs rich (``pip install orket[top]``); serving does not.
"""

from actors.top._asgi import asgi
from actors.top._records import ActorLine, Snapshot
from actors.top._serve import serve
from actors.top._take import take

__all__ = ["ActorLine", "Snapshot", "asgi", "serve", "take"]
