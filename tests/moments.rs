//! Every moment of a function's run: what befalls it at its first call of a kind, at the second,
//! and so on, until one goes by unharmed.

use std::future::Future;

use accessing_party::{Effect, Operation, Rule};

use crate::World;

/// The calls that change something.
pub const WRITES: [Operation; 5] = [
    Operation::UpdateItem,
    Operation::PutItem,
    Operation::TransactWriteItems,
    Operation::DeleteItem,
    Operation::BatchWriteItem,
];

/// One call of a function, and what befalls it there.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Whose call.
    pub function: &'static str,
    /// What befalls it.
    pub effect: Effect,
    call: Operation,
    skip: usize,
}

impl Moment {
    /// What `run` comes to, or none if the moment does not come in it.
    pub async fn during<T>(&self, world: &World, run: impl Future<Output = T>) -> Option<T> {
        let faults = world.cloud.faults();
        let rule = Rule::once(self.effect).of(self.function).at(self.call).after(self.skip);
        faults.next(rule);
        let ended = run.await;
        let came = faults.pending() == 0;
        faults.clear();
        came.then_some(ended)
    }
}

/// Plays `story` for each death of a function before and after each of these calls. A story says
/// whether its moment came. Returns how many did.
pub async fn each_death(
    function: &'static str,
    calls: &[Operation],
    story: impl AsyncFn(Moment) -> bool,
) -> usize {
    each_moment(function, &[Effect::DieBefore, Effect::DieAfter], calls, story).await
}

/// The same for each write of which the answer is lost: the function lives on, and its SDK asks
/// again.
pub async fn each_lost_answer(
    function: &'static str,
    story: impl AsyncFn(Moment) -> bool,
) -> usize {
    each_moment(function, &[Effect::LostAnswer], &WRITES, story).await
}

async fn each_moment(
    function: &'static str,
    effects: &[Effect],
    calls: &[Operation],
    story: impl AsyncFn(Moment) -> bool,
) -> usize {
    let mut came = 0;
    for &effect in effects {
        for &call in calls {
            for skip in 0.. {
                if !story(Moment { function, effect, call, skip }).await {
                    break;
                }
                came += 1;
            }
        }
    }
    came
}
