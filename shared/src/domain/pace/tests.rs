use super::*;

fn car(mood: Mood, still: SignedDuration) -> (Car, Timestamp) {
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let vin = "VF3ABCDE0FG123456".parse().unwrap();
    let car = Car::new(vin, "abcd".parse().unwrap(), start);
    (Car { mood, changed_at: Some(start), ..car }, start + still)
}

fn status_pause(mood: Mood, hours: i64) -> i64 {
    let (car, now) = car(mood, SignedDuration::from_hours(hours));
    car.pause(Kind::Status, now, Quota::UNKNOWN).as_mins()
}

#[test]
fn a_moving_car_is_watched_and_a_sleeping_one_left_alone() {
    assert_eq!(status_pause(Mood::Driving, 0), 2);
    assert_eq!(status_pause(Mood::Charging, 5), 10);
    assert_eq!(status_pause(Mood::Parked, 0), 10);
    assert_eq!(status_pause(Mood::Parked, 48), 60);
    assert_eq!(status_pause(Mood::Parked, 24 * 30), 360);
}

#[test]
fn what_a_car_does_not_offer_is_asked_once_a_day() {
    let (mut car, now) = car(Mood::Driving, SignedDuration::ZERO);
    car.look_mut(Kind::Alerts).absent = Some(Absent::Scope);

    assert_eq!(car.pause(Kind::Alerts, now, Quota::UNKNOWN).as_hours(), 24);
}

#[test]
fn a_dwindling_allowance_stretches_every_pause() {
    let (car, now) = car(Mood::Driving, SignedDuration::ZERO);

    let pause = |left| car.pause(Kind::Status, now, Quota::new(1000, left)).as_mins();
    assert_eq!((pause(900), pause(100), pause(10)), (2, 6, 16));
    assert_eq!(Quota::new(0, 0), Quota::UNKNOWN);
}

#[test]
fn a_car_just_connected_and_a_look_that_failed_are_tried_again_soon() {
    let (car, now) = car(Mood::Parked, SignedDuration::ZERO);
    let new = Car { changed_at: None, ..car };
    assert_eq!(new.pause(Kind::Status, now, Quota::UNKNOWN).as_mins(), 10);

    let before = new.looks.clone();
    let retried = new.advanced(now, Quota::UNKNOWN).retried(&[Kind::Maintenance], now, true);

    assert_eq!(retried.look(Kind::Maintenance).due, now + RETRY);
    assert_eq!(retried.look(Kind::Trips).due, now + SignedDuration::from_hours(3));
    let mut failing = Car { looks: before, ..retried };
    let waits: Vec<_> = (0..6)
        .map(|_| {
            failing.look_mut(Kind::Trips).due = now;
            failing = failing.clone().retried(&[Kind::Trips], now, true);
            failing.look(Kind::Trips).due.duration_since(now).as_mins()
        })
        .collect();
    assert_eq!(waits, [10, 20, 40, 80, 160, 180], "ever more seldom, up to its pace");
}

#[test]
fn what_was_wished_while_a_look_was_under_way_is_kept() {
    let (car, now) = car(Mood::Parked, SignedDuration::ZERO);
    let before = car.advanced(now, Quota::UNKNOWN);
    let mut stored = before.clone();
    stored.look_mut(Kind::Status).due = now;
    let mut learnt = Car { status_hash: Some("x".into()), ..before.clone() };
    learnt.look_mut(Kind::Trips).due = now + SignedDuration::from_hours(9);

    let merged = stored.with_learnt(&before, &learnt);

    assert_eq!(merged.look(Kind::Status).due, now);
    assert_eq!(merged.look(Kind::Trips).due, learnt.look(Kind::Trips).due);
    assert_eq!(merged.status_hash, learnt.status_hash);
}

#[test]
fn a_claim_puts_off_only_what_was_due() {
    let (mut car, now) = car(Mood::Parked, SignedDuration::ZERO);
    let later = now + SignedDuration::from_hours(5);
    car.look_mut(Kind::Trips).due = later;

    let advanced = car.advanced(now, Quota::UNKNOWN);

    assert_eq!(advanced.look(Kind::Trips).due, later);
    assert!(advanced.due_kinds(now).is_empty());
    assert_eq!(advanced.next_due(), now + SignedDuration::from_mins(10));
}
