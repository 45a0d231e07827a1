use super::*;

fn now() -> Timestamp {
    "2026-03-02T06:00:00Z".parse().unwrap()
}

fn remote() -> Remote {
    let wish = Wish {
        enrollment: EnrollmentId::random(),
        vin: "VR3UHZKXZPT000208".parse().unwrap(),
        action: Action::Door(Door { state: Lock::Locked }),
        key: "key".to_owned(),
        on_behalf_of: "user-1".parse().unwrap(),
        not_after: now() + NOT_AFTER,
    };
    Remote::new(RemoteId::random(), wish, now())
}

const ALL: [State; 14] = [
    State::Requested,
    State::Sending,
    State::Unknown,
    State::Accepted,
    State::WakingUpVehicle,
    State::CheckingVehicle,
    State::SentToVehicle,
    State::TooManyWakeUpsOverMonth,
    State::VehicleBatteryChargeTooLow,
    State::TimedOut,
    State::Success,
    State::AlreadyDone,
    State::Failed,
    State::Expired,
];

#[test]
fn no_state_is_ever_entered_twice_or_left_for_an_earlier_one() {
    for from in ALL {
        assert!(!from.may_become(from), "{from}");
        for to in ALL {
            assert!(!(from.may_become(to) && to.may_become(from)), "{from} {to}");
        }
        assert!(!from.may_become(State::Requested), "{from}");
    }
    for done in [State::Success, State::AlreadyDone, State::Failed, State::Expired] {
        assert!(ALL.iter().all(|to| !done.may_become(*to)), "{done}");
    }
}

#[test]
fn only_what_was_never_sent_expires_and_only_what_the_maker_had_times_out() {
    assert!(State::Requested.may_become(State::Expired));
    assert!(!State::Unknown.may_become(State::Expired));
    assert!(!State::Accepted.may_become(State::Expired));
    assert!(!State::Unknown.may_become(State::TimedOut));
    assert!(State::Unknown.may_become(State::Success));
    assert!(State::TimedOut.may_become(State::Success));
}

#[test]
fn the_maker_is_asked_less_and_less_often_and_no_more_after_half_an_hour() {
    let sent = remote().advance(State::Sending, None, now()).unwrap();
    let mut remote = sent.advance(State::Accepted, None, now()).unwrap();
    let mut times = Vec::new();
    while let Some(due) = remote.due_at {
        times.push(due.duration_since(now()).as_secs());
        remote = remote.heard_nothing(due);
    }

    assert_eq!(times, [30, 90, 210, 510, 1110, 1710, 2310]);
    assert_eq!(remote.state, State::TimedOut);
}

#[test]
fn what_nobody_knows_of_after_half_an_hour_stays_unknown() {
    let sent = remote().advance(State::Sending, None, now()).unwrap();
    let unknown = sent.advance(State::Unknown, None, now()).unwrap();

    let ended = unknown.heard_nothing(now() + ASKED_FOR);

    assert_eq!((ended.state, ended.is_settled()), (State::Unknown, true));
    let id: UpstreamId = "abc".parse().unwrap();
    let late = ended.told(&id, State::Success, None, now() + ASKED_FOR);
    assert!(late.is_some(), "a late word is taken");
}

#[test]
fn one_that_waits_is_looked_at_again_when_it_has_expired_at_the_latest() {
    let remote = remote();
    let due = |at: i64| {
        let now = now() + SignedDuration::from_secs(at);
        remote.waits(now).due_at.unwrap().duration_since(now).as_secs()
    };

    assert_eq!((due(0), due(55), due(61), due(100)), (10, 6, 0, 0));
    assert!(!remote.is_late(now() + NOT_AFTER));
}

#[test]
fn states_are_shown_as_they_are_stored() {
    for state in ALL {
        assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{state}\""));
    }
}
