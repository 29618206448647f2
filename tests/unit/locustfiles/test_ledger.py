"""What the processes of a load have begun and not ended yet."""

from dataclasses import dataclass

from locustfiles._ledger import NOTHING, LedgerState, RequestLedger, shifted


@dataclass(eq=False)
class Asking:
    """A user with a request that began then; 0: it has none."""

    began_ns: int = 0


def test_open_requests_are_those_of_users_and_of_waiting_arrivals() -> None:
    """The oldest is whichever began or was due first."""
    ledger, users = RequestLedger(), [Asking(70), Asking(), Asking(50)]
    for user in users:
        ledger.join(user)
    ledger.begun, ledger.ended = 12, 10
    assert ledger.state() == LedgerState(12, 10, 2, 50)
    assert ledger.state(2, 30) == LedgerState(12, 10, 4, 30)
    assert [ledger.open_since_before(moment_ns) for moment_ns in (50, 51, 71)] == [0, 1, 2]
    ledger.leave(users[2])
    assert ledger.state() == LedgerState(12, 10, 1, 70)
    ledger.reset()
    users[0].began_ns = 0
    assert ledger.state() == NOTHING


def test_processes_add_up_on_one_clock() -> None:
    """A worker's clock is brought to ours; a process without an open request has no oldest one."""
    theirs = LedgerState(5, 3, 2, 1_000)
    assert shifted(theirs._asdict(), 50) == LedgerState(5, 3, 2, 1_050)
    assert shifted(NOTHING._asdict(), 50) == NOTHING
    assert theirs.plus(LedgerState(7, 6, 1, 900)) == LedgerState(12, 9, 3, 900)
    assert NOTHING.plus(theirs) == theirs.plus(NOTHING) == theirs
