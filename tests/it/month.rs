//! Thirty days with twenty-five cars, a maker that has bad days and bad nights, a database that is
//! unkind, and processes that die: no grant is lost that the maker did not end, and each loss has
//! its name.
//!
//! Eight workers renew and fetch. The schedules run every six hours, not every few minutes: each
//! run asks every shard and waits for its tries at the database, two seconds in all, so a month of
//! minutes would take a day. An access token (one hour) has therefore always ended before its next
//! use, and each grant is renewed four times a day and not once; what fails is tried again after
//! six hours and not after five minutes, while an unused grant ends after thirty. `cargo test`
//! plays five days, `DAYS=30 cargo test …` all of them.

use std::time::Duration;

use accessing_party::{Effect, Faults, Operation as Db, Rule};
use jiff::SignedDuration;
use simulator::{Account, Brand, Car, CarKind, EndReason, Operation};
use tests::{Luck, World, setting};

const HOURS: i64 = 6;
/// A grant that goes unused for so long has ended: reports of real ones begin at a day.
const IDLE: Duration = Duration::from_hours(30);
/// Everything that brings data.
const DATA: [Operation; 5] = [
    Operation::Status,
    Operation::Vehicles,
    Operation::Trips,
    Operation::Alerts,
    Operation::Maintenance,
];

struct Driver {
    account: String,
    enrollment: String,
    withdrew: bool,
}

/// Twenty-five cars of twenty drivers: every fourth has two.
async fn drivers(world: &World) -> Vec<Driver> {
    let (mut drivers, mut cars) = (Vec::new(), 0);
    for number in 0..20 {
        let brand = Brand::ALL[number % Brand::ALL.len()];
        let account = format!("{brand}-of-the-month-{number}");
        world.maker().add_account(Account::new(&account, brand, "Robin", "Weber"));
        for _ in 0..=usize::from(number % 4 == 0) {
            let kind = [CarKind::Electric, CarKind::Hybrid, CarKind::Thermic][cars % 3];
            let car = Car::new(&format!("VR3MNTHXZPT{cars:06}"), brand, kind, "of the month");
            world.maker().add_car(&account, car).unwrap();
            cars += 1;
        }
        let user = format!("driver-{number}");
        let enrollment = world.enroll(&user, &brand.to_string(), &account).await;
        drivers.push(Driver { account, enrollment, withdrew: false });
    }
    assert_eq!(cars, 25);
    drivers
}

/// What goes wrong in one day. Returns how often an answer of the maker may be lost with it.
fn misfortune(world: &World, luck: &mut Luck, day: u64) -> u64 {
    for _ in 0..4 {
        world.spoil(luck, &[Operation::Refresh]);
        world.spoil(luck, &DATA);
    }
    world.lose_answer(luck, &DATA);
    if day % 3 == 1 {
        let function = *luck.pick(&["refresh", "fetch"]);
        let effect = *luck.pick(&[Effect::DieBefore, Effect::DieAfter]);
        let db = *luck.pick(&[Db::UpdateItem, Db::TransactWriteItems]);
        let skip = usize::try_from(luck.below(12)).unwrap();
        world.cloud.faults().next(Rule::once(effect).of(function).at(db).after(skip));
    }
    if day % 10 == 4 {
        world.lose_answer(luck, &[Operation::Refresh]);
        return 1;
    }
    0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_of_bad_days_loses_no_grant_that_the_maker_did_not_end() {
    let days = setting("DAYS").unwrap_or(5);
    let mut luck = Luck::new(30);
    let world = World::with(|options| {
        options.faults = Faults::seeded(30);
        // Eight workers share them.
        options.shards = "16".parse().unwrap();
    });
    let world = world.await;
    world.cloud.faults().calm(true);
    let mut drivers = drivers(&world).await;
    world.cloud.faults().calm(false);
    world.maker().configure(|settings| settings.refresh_idle = Some(IDLE));

    let mut answers_lost = 0;
    for day in 0..days {
        answers_lost += misfortune(&world, &mut luck, day);
        if day % 12 == 3 {
            let leaver = drivers.iter_mut().find(|driver| !driver.withdrew).unwrap();
            leaver.withdrew = world.maker().withdraw(&leaver.account) == 1;
        }
        for _ in 0..24 / HOURS {
            world.clock.advance(SignedDuration::from_hours(HOURS));
            world.run_workers(8).await;
        }
    }
    world.maker().clear_faults();
    world.cloud.faults().clear();
    for _ in 0..10 {
        world.clock.advance(SignedDuration::from_hours(HOURS));
        world.run_workers(8).await;
    }

    let mut losses = Vec::new();
    for driver in &drivers {
        losses.extend(account_for(&world, driver).await);
    }
    let (strikes, calls) = (world.cloud.faults().strikes(), world.maker().all_calls());
    println!("{days} days: lost {losses:?}; {answers_lost} answers lost; {strikes:?}; {calls:?}");
    let deaths: u64 = ["die_before", "die_after"].iter().filter_map(|name| strikes.get(name)).sum();
    let lost = losses.iter().filter(|reason| *reason == "lost_answer").count() as u64;
    // A process that dies takes along what its eight workers hold.
    assert!(lost <= answers_lost + 8 * deaths, "{lost} lost by {answers_lost} and {deaths} deaths");
    assert!(strikes.len() >= 5 && deaths > 0, "{strikes:?}");
    assert_eq!(world.maker().unknown_tokens(), 0);
    for (function, usage) in world.cloud.usage().all() {
        assert!(usage.denied.is_empty(), "{function}: {:?}", usage.denied);
    }
}

/// The maker's word on a driver's grant against ours. Returns the reason if it was lost.
async fn account_for(world: &World, driver: &Driver) -> Option<String> {
    let (id, account) = (&driver.enrollment, &driver.account);
    let answer = world.patiently("GET", &format!("/v1/enrollments/{id}"), None).await;
    let (status, reason) = (&answer.body["status"], &answer.body["reason"]);
    let grants = world.maker().grants(account);
    let ended = grants[0].ended;
    assert_eq!(grants.len(), 1, "{account}: {grants:?}");

    let told = world.event_types(id).await;
    let losses = told.iter().filter(|kind| *kind == "enrollment.reauthorization_required").count();
    match ended {
        None => {
            assert_eq!((status.as_str(), losses), (Some("active"), 0), "{account}: {reason}");
            let cars = format!("/v1/enrollments/{id}/vehicles");
            let cars = world.patiently("GET", &cars, None).await.body;
            for car in cars["items"].as_array().unwrap() {
                assert!(car["last_seen"].is_string(), "{account}: {car}");
            }
            None
        }
        Some(end) => {
            assert_eq!(status, "reauthorization_required", "{account}: {end:?}");
            assert_eq!(losses, 1, "{account}: {told:?}");
            let reason = reason.as_str().unwrap();
            match end {
                EndReason::RefreshReused => assert_eq!(reason, "lost_answer", "{account}"),
                // An answer lost just before leaves no way to tell.
                EndReason::Withdrawn => assert!(driver.withdrew, "{account}: {reason}"),
                other => panic!("{account}: the maker ended it by {other:?}"),
            }
            Some(reason.to_owned())
        }
    }
}
