//! A hundred lives of an enrollment, each with a database, a maker and processes that fail by its
//! seed: from the link to the erased user, and whatever happened on the way is accounted for.
//!
//! `cargo test` plays some of them; `SEEDS=100 cargo test …` a hundred, and `SEED=17 cargo test …`
//! only the seventeenth. A seed decides which faults strike at which call; ids and jitter stay
//! random, so that a replay is the same weather and not the same second.

mod story;

use tests::{LIVES, each_seed};

use self::story::Story;

/// How many side by side.
const AT_ONCE: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn every_life_ends_where_it_must_whatever_fails_on_the_way() {
    let lives = each_seed("every_life", (LIVES, AT_ONCE), Story::play).await;
    let mut totals = story::Totals::default();
    for life in &lives {
        totals.add(life);
    }
    println!("{totals:?}");
    assert!(totals.lives > 0 && totals.renewals > 0 && totals.strikes > 0, "{totals:?}");
}
