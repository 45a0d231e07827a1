//! The event engine: follows monitors and remotes along the clock and delivers what they say.
//!
//! Nothing here waits for time. [`World::run_events`] brings all of it up to the clock's now,
//! however far that has jumped; a clock that runs by itself has a task that calls it.

mod boolexp;
mod deliver;
mod evaluate;
mod message;
mod operand;
mod remote;
pub(crate) mod rule;
mod times;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(crate) use self::deliver::PostOffice;
use self::rule::Rule;
use crate::{
    api,
    cars::{Car, Life},
    world::{
        World,
        callbacks::RunState,
        monitors::{Memory, Monitor},
    },
};

/// What following one monitor brought.
struct Followed {
    monitor: Monitor,
    rule: Rule,
    memory: Memory,
    events: Vec<(Timestamp, Value)>,
}

/// Moves events by themselves until the world ends.
pub(crate) async fn run(world: World, every: Duration) {
    let mut look = tokio::time::interval(every);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = look.tick() => (),
            () = world.hang() => return,
        }
        tokio::select! {
            () = world.run_events() => (),
            () = world.hang() => return,
        }
    }
}

impl World {
    /// Brings monitors and remotes up to the clock's now and sends every message that is due,
    /// awaiting the answers. Deterministic: the same clock and calls give the same messages in
    /// the same order. An attempt that fails is due again 10 s later, by the clock.
    pub async fn run_events(&self) {
        // Two at once would send a message twice.
        let _alone = self.delivering().lock().await;
        self.follow();
        self.deliver().await;
    }

    /// Brings monitors and remotes up to now, and sends nothing. Called before anything is
    /// changed that they look at, so that the past is judged by what was true then.
    pub(crate) fn follow(&self) {
        let _alone = self.following();
        let now = self.now();
        if self.look(|state| state.remotes_due(now)) {
            let seed = self.seed();
            self.change(|state| state.move_remotes(seed, now));
        }
        self.follow_monitors(now);
    }

    fn follow_monitors(&self, now: Timestamp) {
        let watched: Vec<(Monitor, Option<Car>)> = self.look(|state| {
            let owned = |monitor: &Monitor| {
                let account = state.accounts.get(&monitor.account);
                account.is_some_and(|account| account.vins().any(|vin| vin == monitor.vin))
            };
            let car = |monitor: &Monitor| state.cars.get(&monitor.vin).cloned();
            state
                .monitors
                .iter()
                .map(|monitor| (monitor.clone(), car(monitor).filter(|_| owned(monitor))))
                .collect()
        });
        let followed: Vec<Followed> = watched
            .into_iter()
            .filter_map(|(monitor, car)| self.followed(monitor, car, now))
            .collect();
        let news = followed.iter().any(Followed::is_news);
        let keep = |state: &mut crate::world::State| {
            let mut events = Vec::new();
            for mut one in followed {
                // Changed or gone meanwhile: what was found is of no use.
                let kept = state.monitors.iter_mut().find(|known| {
                    known.id == one.monitor.id
                        && known.updated_at == one.monitor.updated_at
                        && known.memory == one.monitor.memory
                });
                if let Some(kept) = kept {
                    kept.memory = one.memory.clone();
                    for (at, event) in std::mem::take(&mut one.events) {
                        kept.fired += u64::from(event["refresh"] == false);
                        events.push((at, event, one.monitor.clone(), one.rule.attributes.clone()));
                    }
                }
            }
            events.sort_by_key(|(at, ..)| *at);
            for (at, event, monitor, attributes) in events {
                state.tell_monitor(&monitor, &attributes, at, &event);
            }
        };
        if news { self.change(keep) } else { self.note(keep) }
    }

    fn followed(&self, monitor: Monitor, car: Option<Car>, now: Timestamp) -> Option<Followed> {
        let rule = Rule::read(&monitor.parameter).ok()?;
        let mut memory = monitor.memory.clone();
        let Some(car) = car else {
            memory.at = now;
            return Some(Followed { monitor, rule, memory, events: Vec::new() });
        };
        let fired = evaluate::follow(&rule, &mut memory, Life::new(self.seed(), &car), now);
        let runs = monitor.status == RunState::Running;
        let events = fired.into_iter().filter(|_| runs).map(|fired| {
            let mut event = json!({
                "monitorId": monitor.id,
                "refresh": fired.refresh,
                "values": fired.values,
            });
            let extensions = self.extensions(&monitor, &rule, fired.at);
            if !extensions.is_empty() {
                event["extensions"] = Value::Array(extensions);
            }
            (fired.at, event)
        });
        let events = events.collect();
        Some(Followed { monitor, rule, memory, events })
    }

    /// What the monitor wants to be sent along, as far as its creator may see it.
    fn extensions(&self, monitor: &Monitor, rule: &Rule, at: Timestamp) -> Vec<Value> {
        let wanted = rule.extensions.iter().filter_map(|name| {
            let (member, document) = api::extension(self, monitor, name, at)?;
            let kind =
                if name.starts_with("vehicle.telemetry") { "vehicle.telemetry" } else { name };
            let body = Map::from_iter([(member.to_owned(), document)]);
            Some(json!({"type": kind, "body": [body]}))
        });
        wanted.collect()
    }
}

impl Followed {
    /// Whether anything but the time has changed.
    fn is_news(&self) -> bool {
        let as_before = Memory { at: self.monitor.memory.at, ..self.memory.clone() };
        !self.events.is_empty() || as_before != self.monitor.memory
    }
}

/// The memory of a monitor that begins now: what holds already is no news.
pub(crate) fn begun(rule: &Rule, life: Life<'_>, now: Timestamp) -> Memory {
    let mut memory = Memory::from(now);
    let _ = evaluate::follow(rule, &mut memory, life, now);
    memory
}
