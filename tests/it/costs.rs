//! What one thing costs at DynamoDB, in capacity units that its own answers count.

use jiff::SignedDuration;
use tests::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_login_writes_nothing_and_a_renewal_at_most_four_units() {
    let world = World::start().await;
    let id = world.enroll("user-1", "peugeot", "peugeot-nobody").await;
    let usage = world.cloud.usage();
    let login = usage.of("login");
    assert!((login.read + login.written).abs() < f64::EPSILON, "a login asks no table: {login:?}");

    // Without a car nobody needs the access token: the schedule alone renews.
    usage.reset();
    let before = world.maker().calls(simulator::Operation::Refresh);
    world.pass(SignedDuration::from_hours(21)).await;

    let renewals =
        u32::try_from(world.maker().calls(simulator::Operation::Refresh) - before).unwrap();
    let written = usage.of("refresh").written;
    println!("figure: a login reads and writes {:.1} units", login.read + login.written);
    println!("figure: a renewal writes {:.1} units", written / f64::from(renewals));
    assert!(renewals > 0 && world.status(&id).await == "active");
    assert!(written > 0.0 && written <= 4.0 * f64::from(renewals));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_brings_nothing_new_writes_at_most_three_units() {
    let world = World::start().await;
    world.enroll("user-1", "peugeot", "peugeot-camille").await;
    world.pass(SignedDuration::from_hours(7)).await;
    let usage = world.cloud.usage();
    usage.reset();
    let before = world.maker().calls(simulator::Operation::Status);

    world.pass(SignedDuration::from_mins(30)).await;

    let looks = u32::try_from(world.maker().calls(simulator::Operation::Status) - before).unwrap();
    let written = usage.of("fetch").written;
    println!("figure: an unchanged status writes {:.1} units", written / f64::from(looks));
    assert!(looks > 0);
    assert!(written <= 3.0 * f64::from(looks), "{written} units for {looks} looks");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_told_to_the_bus_for_at_most_twelve_units() {
    let world = World::start().await;
    let usage = world.cloud.usage();
    usage.reset();

    for number in 0..5 {
        world.begin_enrollment(&format!("user-{number}"), "peugeot").await;
    }
    world.settle().await;

    let events = world.cloud.bus().received().len();
    let written = usage.of("deliver").written;
    let each = written / f64::from(u32::try_from(events).unwrap());
    println!("figure: an event told to the bus writes {each:.1} units");
    assert_eq!(events, 5);
    assert!(each <= 12.0, "{each}");
}
