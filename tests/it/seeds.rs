//! A hundred lives of an enrollment, each with a database, a maker and processes that fail by its
//! seed: from the link to the erased user, and whatever happened on the way is accounted for.
//!
//! `cargo test` plays some of them; `SEEDS=100 cargo test …` a hundred, and `SEED=17 cargo test …`
//! only the seventeenth. A seed decides which faults strike at which call; ids and jitter stay
//! random, so that a replay is the same weather and not the same second.

mod story;

use tests::setting;
use tokio::task::JoinSet;

use self::story::Story;

/// How many are played if nobody says otherwise.
const SEEDS: u64 = 12;
/// Side by side: they wait for the retries of the SDK more than they compute.
const AT_ONCE: usize = 40;

#[tokio::test(flavor = "multi_thread")]
async fn every_life_ends_where_it_must_whatever_fails_on_the_way() {
    let mut seeds = match setting("SEED") {
        Some(seed) => seed..=seed,
        None => 1..=setting("SEEDS").unwrap_or(SEEDS),
    };
    let (mut lives, mut failed, mut totals) =
        (JoinSet::new(), Vec::new(), story::Totals::default());
    loop {
        while lives.len() < AT_ONCE {
            let Some(seed) = seeds.next() else { break };
            lives.spawn(async move {
                // A task of its own, so that its panic is known by its seed.
                (seed, tokio::spawn(Story::play(seed)).await)
            });
        }
        let Some(life) = lives.join_next().await else { break };
        match life.unwrap() {
            (_, Ok(met)) => totals.add(&met),
            (seed, Err(_)) => {
                println!(
                    "seed {seed} failed: SEED={seed} cargo test -p tests --test it every_life"
                );
                failed.push(seed);
            }
        }
    }
    println!("{totals:?}");
    assert!(failed.is_empty(), "seeds that failed: {failed:?}");
    assert!(totals.lives > 0 && totals.renewals > 0 && totals.strikes > 0, "{totals:?}");
}
