//! Luck by seed: what a test draws, and a maker on a bad day. The same seed draws the same.

use simulator::{Fault, FaultKind, Operation};

use crate::World;

/// Numbers from a seed (splitmix64).
#[derive(Debug, Clone)]
pub struct Luck(u64);

impl Luck {
    /// The luck of this seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    /// True once in so many draws.
    pub fn once_in(&mut self, draws: u64) -> bool {
        self.below(draws) == 0
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = self.below(from.len() as u64);
        &from[usize::try_from(index).unwrap()]
    }
}

/// What the maker did not do: the caller may ask again.
pub fn undone(luck: &mut Luck) -> FaultKind {
    match luck.below(7) {
        0 => FaultKind::Status(500),
        1 => FaultKind::Status(503),
        2 => FaultKind::Html,
        3 => FaultKind::BrokenJson,
        4 => FaultKind::Detour,
        5 => FaultKind::RetryAfter(30 + u32::try_from(luck.below(900)).unwrap()),
        _ => FaultKind::Answer {
            status: 502,
            content_type: "text/html".into(),
            body: "<h1>Bad gateway</h1>".into(),
        },
    }
}

impl World {
    /// Lets one of these operations fail once or twice, now or a few calls later, without any work
    /// done: nothing may be lost by it.
    pub fn spoil(&self, luck: &mut Luck, operations: &[Operation]) {
        let operation = *luck.pick(operations);
        let times = 1 + u32::try_from(luck.below(2)).unwrap();
        let kind = match undone(luck) {
            // Any 2xx says that a token is revoked, whatever its body (RFC 7009 §2.2).
            FaultKind::BrokenJson if operation == Operation::Revoke => FaultKind::Html,
            kind => kind,
        };
        let later = u32::try_from(luck.below(3)).unwrap();
        self.maker().fault(Fault::times(operation, times, kind).after(later));
    }

    /// Lets the maker do one of these and lose the answer, now or a few calls later.
    pub fn lose_answer(&self, luck: &mut Luck, operations: &[Operation]) {
        let operation = *luck.pick(operations);
        let later = u32::try_from(luck.below(3)).unwrap();
        self.maker().fault(Fault::once(operation, FaultKind::LostAnswer).after(later));
    }
}
