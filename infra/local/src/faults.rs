//! What a database on a bad day does: ordered by a test, or drawn from a seed. A draw depends on the
//! seed and on how often this function asked for this operation, and on nothing else, so that a
//! seed tells the same story whatever runs beside it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::digest::{SHA256, digest};
use tokio::sync::broadcast;

use crate::front::Operation;

/// What happens to one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It is done, and the connection drops before the answer.
    LostAnswer,
    /// It is not done, and no answer comes until the caller gives up.
    Hang,
    /// It is not done: too many requests.
    Throttled,
    /// It is not done: status 500.
    Unavailable,
    /// It is not done: another transaction holds an item.
    Conflict,
    /// An index answers as it was before the last writes.
    Stale,
    /// A page ends early, with more behind it.
    ShortPage,
    /// A part of a batch is left undone.
    Unprocessed,
    /// The caller's process ends before the call is done.
    DieBefore,
    /// The caller's process ends when the call is done.
    DieAfter,
}

/// A fault waiting for its call.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Whose call; `None` is anybody's.
    pub function: Option<String>,
    /// Which operation; `None` is whichever it can befall.
    pub operation: Option<Operation>,
    /// On which table; `None` is any.
    pub table: Option<String>,
    /// How many such calls pass before.
    pub skip: usize,
    /// How often it strikes.
    pub times: usize,
    /// What happens.
    pub effect: Effect,
}

impl Rule {
    /// Strikes once, at the next call that it can befall.
    #[must_use]
    pub fn once(effect: Effect) -> Self {
        Self { function: None, operation: None, table: None, skip: 0, times: 1, effect }
    }

    /// Only calls of this function.
    #[must_use]
    pub fn of(self, function: &str) -> Self {
        Self { function: Some(function.to_owned()), ..self }
    }

    /// Only this operation.
    #[must_use]
    pub fn at(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }

    /// Only calls that name this table.
    #[must_use]
    pub fn on(self, table: &str) -> Self {
        Self { table: Some(table.to_owned()), ..self }
    }

    /// After so many such calls.
    #[must_use]
    pub fn after(self, skip: usize) -> Self {
        Self { skip, ..self }
    }

    /// So often.
    #[must_use]
    pub fn times(self, times: usize) -> Self {
        Self { times, ..self }
    }

    fn fits(&self, call: &Call<'_>) -> bool {
        self.function.as_deref().is_none_or(|name| name == call.function)
            && self.operation.is_none_or(|operation| operation == call.operation)
            && self.table.as_ref().is_none_or(|table| call.tables.contains(table))
            && can_befall(self.effect, call)
    }
}

/// One call, as far as faults go by it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) function: &'a str,
    pub(crate) operation: Operation,
    pub(crate) tables: &'a [String],
    /// Whether an index is read.
    pub(crate) index: bool,
}

/// The handle; clones share one weather.
#[derive(Clone)]
pub struct Faults(Arc<Shared>);

struct Shared {
    seed: Option<u64>,
    lagging: bool,
    state: Mutex<State>,
    deaths: broadcast::Sender<String>,
}

#[derive(Default)]
struct State {
    rules: VecDeque<Rule>,
    calm: bool,
    calls: BTreeMap<(String, Operation), u64>,
    struck: BTreeMap<(String, Operation), u64>,
    strikes: BTreeMap<&'static str, u64>,
}

impl Faults {
    /// Fair weather; only ordered faults strike, [`Effect::Stale`] excepted, for no index lags.
    #[must_use]
    pub fn none() -> Self {
        Self::new(None, false)
    }

    /// Fair weather, with an index that can be made to lag.
    #[must_use]
    pub fn ordered() -> Self {
        Self::new(None, true)
    }

    /// A bad day by this seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::new(Some(seed), true)
    }

    fn new(seed: Option<u64>, lagging: bool) -> Self {
        let deaths = broadcast::channel(16).0;
        Self(Arc::new(Shared { seed, lagging, state: Mutex::default(), deaths }))
    }

    /// Orders a fault. Those ordered earlier go first.
    pub fn next(&self, rule: Rule) {
        self.state().rules.push_back(rule);
    }

    /// Cancels what was ordered and has not struck.
    pub fn clear(&self) {
        self.state().rules.clear();
    }

    /// How many ordered faults have not struck, or not as often as ordered.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.state().rules.len()
    }

    /// Ends, or resumes, what the seed draws.
    pub fn calm(&self, calm: bool) {
        self.state().calm = calm;
    }

    /// How often each effect has struck, by its name.
    #[must_use]
    pub fn strikes(&self) -> BTreeMap<&'static str, u64> {
        self.state().strikes.clone()
    }

    pub(crate) fn seed(&self) -> Option<u64> {
        self.0.seed
    }

    pub(crate) fn lagging(&self) -> bool {
        self.0.lagging
    }

    /// What happens to this call, and a number drawn with it.
    pub(crate) fn strike(&self, call: &Call<'_>) -> Option<(Effect, u64)> {
        let mut state = self.state();
        let key = (call.function.to_owned(), call.operation);
        let count = state.calls.entry(key.clone()).or_default();
        *count += 1;
        let count = *count;
        let drawn = self.draw(call, count);
        let effect = match state.ordered(call) {
            Some(effect) => effect,
            // Never twice in a row: callers try again, and shall not be worn out by bad luck.
            None if state.calm || state.struck.get(&key).is_some_and(|last| last + 1 == count) => {
                return None;
            }
            None => self.0.seed.and(by_chance(call, drawn))?,
        };
        state.struck.insert(key, count);
        *state.strikes.entry(name(effect)).or_default() += 1;
        Some((effect, drawn >> 16))
    }

    fn draw(&self, call: &Call<'_>, count: u64) -> u64 {
        let text = format!("{:?} {} {} {count}", self.0.seed, call.function, call.operation.name());
        let hash = digest(&SHA256, text.as_bytes());
        hash.as_ref().iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }

    /// Ends the process of a function, as far as that can be told from outside.
    pub(crate) fn kill(&self, function: &str) {
        // Nobody listens if nothing of it is running.
        let _ = self.0.deaths.send(function.to_owned());
    }

    pub(crate) fn deaths(&self) -> broadcast::Receiver<String> {
        self.0.deaths.subscribe()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ordered(&mut self, call: &Call<'_>) -> Option<Effect> {
        let index = self.rules.iter().position(|rule| rule.fits(call))?;
        let rule = self.rules.get_mut(index)?;
        if rule.skip > 0 {
            rule.skip -= 1;
            return None;
        }
        let effect = rule.effect;
        rule.times = rule.times.saturating_sub(1);
        if rule.times == 0 {
            self.rules.remove(index);
        }
        Some(effect)
    }
}

fn can_befall(effect: Effect, call: &Call<'_>) -> bool {
    use Operation as Op;
    match effect {
        Effect::LostAnswer
        | Effect::Hang
        | Effect::DieBefore
        | Effect::DieAfter
        | Effect::Unavailable
        | Effect::Throttled => true,
        Effect::Conflict => call.operation.writes() && call.operation != Op::BatchWriteItem,
        Effect::Stale => call.index,
        Effect::ShortPage => matches!(call.operation, Op::Query | Op::Scan),
        Effect::Unprocessed => matches!(call.operation, Op::BatchGetItem | Op::BatchWriteItem),
    }
}

/// Chances in a thousand. What makes the SDK wait before it tries again is rarer.
fn by_chance(call: &Call<'_>, drawn: u64) -> Option<Effect> {
    use crate::front::Service;
    if call.operation.service() != Service::DynamoDb {
        return None;
    }
    let chances = [
        (Effect::Stale, 250),
        (Effect::ShortPage, 150),
        (Effect::Unprocessed, 200),
        (Effect::Conflict, if call.operation == Operation::TransactWriteItems { 30 } else { 10 }),
        (Effect::LostAnswer, if call.operation.writes() { 40 } else { 5 }),
        (Effect::Throttled, 10),
        (Effect::Unavailable, 5),
    ];
    let mut left = drawn % 1000;
    for (effect, chance) in chances.into_iter().filter(|(effect, _)| can_befall(*effect, call)) {
        if left < chance {
            return Some(effect);
        }
        left -= chance;
    }
    None
}

fn name(effect: Effect) -> &'static str {
    match effect {
        Effect::LostAnswer => "lost_answer",
        Effect::Hang => "hang",
        Effect::Throttled => "throttled",
        Effect::Unavailable => "unavailable",
        Effect::Conflict => "conflict",
        Effect::Stale => "stale",
        Effect::ShortPage => "short_page",
        Effect::Unprocessed => "unprocessed",
        Effect::DieBefore => "die_before",
        Effect::DieAfter => "die_after",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(function: &str, operation: Operation) -> Call<'_> {
        Call { function, operation, tables: &[], index: false }
    }

    #[test]
    fn an_ordered_fault_passes_over_other_calls_and_strikes_as_often_as_asked() {
        let faults = Faults::none();
        faults.next(
            Rule::once(Effect::LostAnswer).of("fetch").at(Operation::PutItem).after(1).times(2),
        );
        let strike = |function, operation| {
            faults.strike(&call(function, operation)).map(|(effect, _)| effect)
        };

        assert_eq!(strike("api", Operation::PutItem), None);
        assert_eq!(strike("fetch", Operation::GetItem), None);
        assert_eq!(strike("fetch", Operation::PutItem), None);
        assert_eq!(strike("fetch", Operation::PutItem), Some(Effect::LostAnswer));
        assert_eq!(strike("fetch", Operation::PutItem), Some(Effect::LostAnswer));
        assert_eq!(strike("fetch", Operation::PutItem), None);
        assert_eq!(faults.pending(), 0);
    }

    #[test]
    fn a_seed_tells_the_same_story_whatever_runs_beside_it() {
        let story = |noise: bool| {
            let faults = Faults::seeded(7);
            let calls = (0..300).map(|_| {
                if noise {
                    faults.strike(&call("api", Operation::Query));
                }
                faults.strike(&call("fetch", Operation::UpdateItem)).map(|(effect, _)| effect)
            });
            calls.collect::<Vec<_>>()
        };

        let alone = story(false);
        assert_eq!(alone, story(true));
        assert!(alone.iter().flatten().count() > 5);
        assert!(
            alone.windows(2).all(|pair| pair.iter().flatten().count() < 2),
            "never twice in a row"
        );
    }
}
