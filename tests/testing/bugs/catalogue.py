"""All the bugs."""

from tests.testing.bugs import (
    ask_cycle,
    assumed_order,
    check_then_act,
    deadline_race,
    double_reply,
    full_mailboxes,
    leak_on_cancel,
    lost_in_restart,
    lost_update,
    repeated_effect,
    stale_read,
    stale_watch,
    timer_after_stop,
    torn_write,
)
from tests.testing.bugs.bug import Bug

BUGS: tuple[Bug, ...] = (
    ask_cycle.BUG,
    assumed_order.BUG,
    check_then_act.BUG,
    deadline_race.BUG,
    double_reply.BUG,
    full_mailboxes.BUG,
    leak_on_cancel.BUG,
    lost_in_restart.BUG,
    lost_update.BUG,
    repeated_effect.BUG,
    stale_read.BUG,
    stale_watch.BUG,
    timer_after_stop.BUG,
    torn_write.BUG,
)
