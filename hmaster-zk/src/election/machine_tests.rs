//! The election's decisions, as lists of commands.

use super::*;
use crate::session::SessionState;

const MINE: SessionId = SessionId(1);
const THEIRS: SessionId = SessionId(2);

fn server(text: &str) -> ServerName {
    text.parse().unwrap()
}

fn holder(server_name: &str, owner: SessionId, czxid: i64) -> Holder {
    let master = MasterInfo { server: server(server_name), info_port: None };
    Holder { master: Some(master), owner: Some(owner), czxid: Zxid(czxid) }
}

fn election(backup: bool) -> Election {
    Election::new(server("me,16000,200"), MINE, backup)
}

/// An election that waits for another master.
fn waiting() -> Election {
    let mut election = election(false);
    election.step(Input::Start);
    election.step(Input::NotCreated);
    assert_eq!(election.step(Input::Seen(Some(holder("other,16000,100", THEIRS, 0)))), []);
    assert_eq!(election.active(), Some(&server("other,16000,100")));
    election
}

fn active() -> Election {
    let mut election = election(false);
    election.step(Input::Start);
    election.step(Input::Created);
    election.step(Input::Seen(Some(holder("me,16000,200", MINE, 7))));
    election
}

#[test]
fn a_free_cluster_is_taken_at_once() {
    let mut election = election(false);
    assert_eq!(election.step(Input::Start), [Command::Register, Command::Create]);
    assert_eq!(election.step(Input::Created), [Command::Look]);
    assert_eq!(election.active(), None, "not before it is confirmed");
    let mine = Input::Seen(Some(holder("me,16000,200", MINE, 7)));
    assert_eq!(election.step(mine.clone()), [Command::Activate(Zxid(7)), Command::Deregister]);
    assert_eq!(election.step(mine), []);
    assert_eq!(election.active(), Some(&server("me,16000,200")));
}

#[test]
fn a_znode_that_was_made_and_is_gone_is_made_again() {
    let mut election = election(false);
    election.step(Input::Start);
    election.step(Input::Created);
    assert_eq!(election.step(Input::NotSeen), []);
    assert_eq!(election.step(Input::Changed), [Command::Look]);
    assert_eq!(election.step(Input::Seen(None)), [Command::Create]);
    election.step(Input::Created);
    assert_eq!(election.step(Input::Seen(Some(holder("other,16000,100", THEIRS, 9)))), []);
    assert_eq!(election.active(), Some(&server("other,16000,100")));
}

#[test]
fn a_waiting_master_takes_over_on_the_event() {
    let mut election = waiting();
    assert_eq!(election.step(Input::Changed), [Command::Look]);
    assert_eq!(election.step(Input::NotSeen), []);
    assert_eq!(election.step(Input::Vanished), [Command::Create]);
    assert_eq!(election.step(Input::NotCreated), [Command::Look], "another was faster");
    assert_eq!(election.step(Input::Seen(None)), [Command::Create], "and is gone again");
}

#[test]
fn its_own_former_life_is_removed() {
    for former in ["me,16000,100", "ME,16000,300", "me,16000,200"] {
        let mut election = election(false);
        election.step(Input::Start);
        election.step(Input::NotCreated);
        assert_eq!(
            election.step(Input::Seen(Some(holder(former, THEIRS, 3)))),
            [Command::Remove(Zxid(3))],
            "{former}"
        );
        assert_eq!(election.step(Input::Removed), [Command::Look]);
        assert_eq!(election.step(Input::Seen(None)), [Command::Create]);
    }
}

/// Also where the session is the same: what an earlier part in the election made isn't taken over.
#[test]
fn its_own_znode_of_an_earlier_election_is_removed() {
    let mut election = election(false);
    election.step(Input::Start);
    election.step(Input::NotCreated);
    let mine = holder("me,16000,200", MINE, 3);
    assert_eq!(election.step(Input::Seen(Some(mine.clone()))), [Command::Remove(Zxid(3))]);
    assert_eq!(election.step(Input::Changed), [Command::Look], "there is another one now");
    let other = holder("other,16000,100", THEIRS, 4);
    assert_eq!(election.step(Input::Seen(Some(other))), []);
}

#[test]
fn a_former_life_that_can_not_be_removed_is_waited_for() {
    let mut election = election(false);
    election.step(Input::Start);
    election.step(Input::NotCreated);
    let former = holder("me,16000,100", THEIRS, 3);
    election.step(Input::Seen(Some(former.clone())));
    assert_eq!(election.step(Input::NotRemoved), [], "no second try without a reason");
    assert_eq!(election.step(Input::Changed), [Command::Look]);
    assert_eq!(election.step(Input::Seen(Some(former))), [Command::Remove(Zxid(3))]);
}

#[test]
fn a_znode_that_can_not_be_read_is_somebody_elses() {
    let mut election = election(false);
    election.step(Input::Start);
    election.step(Input::NotCreated);
    let unreadable = Holder { master: None, owner: None, czxid: Zxid(3) };
    assert_eq!(election.step(Input::Seen(Some(unreadable))), []);
    assert_eq!(election.active(), None);
    assert_eq!(election.step(Input::Vanished), [Command::Create]);
}

#[test]
fn a_backup_lets_another_go_first() {
    let mut election = election(true);
    assert_eq!(election.step(Input::Start), [Command::Register, Command::Look]);
    assert_eq!(election.step(Input::Seen(None)), []);
    assert_eq!(election.step(Input::Changed), [Command::Look]);
    assert_eq!(election.step(Input::Seen(Some(holder("other,16000,100", THEIRS, 0)))), []);
    assert_eq!(election.step(Input::Vanished), [Command::Create]);
}

#[test]
fn a_cluster_that_went_down_is_not_taken() {
    for gone in [Input::Vanished, Input::Seen(None)] {
        let mut election = waiting();
        assert_eq!(election.step(Input::ClusterDown), [], "the active master is still at it");
        assert_eq!(election.step(gone), [Command::Deregister, Command::End(End::ClusterDown)]);
        assert!(election.has_ended());
    }
}

#[test]
fn an_active_master_without_its_znode_ends() {
    let anothers = Input::Seen(Some(holder("other,16000,100", THEIRS, 0)));
    // Even its own name, if another session made it.
    let lookalike = Input::Seen(Some(holder("me,16000,200", THEIRS, 0)));
    for input in [Input::Vanished, Input::Seen(None), anothers, lookalike] {
        let mut election = active();
        let end = Command::End(End::Lost(LeaseLoss::Deposed));
        assert_eq!(election.step(input.clone()), [end], "{input:?}");
        assert_eq!(election.step(Input::Created), [], "it never begins again");
    }
}

#[test]
fn an_active_master_does_not_mind_the_rest() {
    let mut election = active();
    for input in [Input::ClusterDown, Input::NotSeen, Input::ProcessGone(server("me,16000,200"))] {
        assert_eq!(election.step(input), []);
    }
    assert_eq!(election.step(Input::Changed), [Command::Look]);
    assert!(!election.has_ended());
}

#[test]
fn what_ends_an_election_ends_it_in_every_phase() {
    let refused = ZkError::new(crate::Operation::Create, "/hbase/master", crate::ZkErrorKind::NoAuth);
    for make in [|| election(false), || election(true), waiting, active] {
        for loss in [LeaseLoss::RanOut, LeaseLoss::SessionOver(SessionState::Expired)] {
            assert_eq!(make().step(Input::Lost(loss)), [Command::End(End::Lost(loss))]);
        }
        assert_eq!(make().step(Input::Failed(refused.clone())), [Command::End(End::Failed(refused.clone()))]);
        let stopped = [Command::Resign, Command::Deregister, Command::End(End::Stopped)];
        let mut election = make();
        assert_eq!(election.step(Input::Stop), stopped);
        assert_eq!(election.step(Input::Stop), []);
        assert_eq!(election.step(Input::Vanished), []);
    }
}

#[test]
fn the_session_of_a_process_that_is_gone_is_ended() {
    let mut election = waiting();
    assert_eq!(election.step(Input::ProcessGone(server("other,16000,99"))), [], "another life of it");
    let gone = holder("other,16000,100", THEIRS, 0);
    let end = [Command::EndSession(gone)];
    assert_eq!(election.step(Input::ProcessGone(server("other,16000,100"))), end);
    assert_eq!(election.step(Input::Removed), [Command::Look]);
    assert_eq!(election.step(Input::Seen(None)), [Command::Create]);
}

#[test]
fn a_session_that_can_not_be_ended_is_waited_for() {
    let mut election = waiting();
    let gone = || Input::ProcessGone(server("other,16000,100"));
    assert_eq!(election.step(gone()).len(), 1);
    assert_eq!(election.step(gone()), [], "while it is being tried");
    assert_eq!(election.step(Input::NotRemoved), []);
    assert_eq!(election.active(), Some(&server("other,16000,100")));
    assert_eq!(election.step(Input::Vanished), [Command::Create]);
}
