//! The same story in many weathers: a seed decides which faults strike at which call.

use std::future::Future;

use tokio::task::JoinSet;

use crate::setting;

/// Of the longest story, the life of an enrollment, so many are played. `SEEDS` says another number,
/// and others are played in proportion.
pub const LIVES: u64 = 12;

/// Plays `story` for so many seeds, or for `SEED` alone; so many side by side, since they wait for
/// the retries of the SDK more than they compute. Gives what they came to.
///
/// # Panics
/// When a story failed; the seeds are named with the command that replays them.
#[expect(clippy::print_stdout, reason = "whoever runs the tests reads it")]
pub async fn each_seed<T, F>(
    test: &str,
    (seeds, at_once): (u64, usize),
    story: impl Fn(u64) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut seeds = match setting("SEED") {
        Some(seed) => seed..=seed,
        None => 1..=setting("SEEDS").map_or(seeds, |lives: u64| (lives * seeds).div_ceil(LIVES)),
    };
    let (mut playing, mut ended, mut failed) = (JoinSet::new(), Vec::new(), Vec::new());
    loop {
        while playing.len() < at_once {
            let Some(seed) = seeds.next() else { break };
            // A task of its own, so that its panic is known by its seed.
            let story = tokio::spawn(story(seed));
            playing.spawn(async move { (seed, story.await) });
        }
        let Some(played) = playing.join_next().await else { break };
        match played.expect("it only waits") {
            (_, Ok(end)) => ended.push(end),
            (seed, Err(_)) => {
                println!("seed {seed} failed: SEED={seed} cargo test --test it {test}");
                failed.push(seed);
            }
        }
    }
    assert!(failed.is_empty(), "seeds that failed: {failed:?}");
    ended
}
