//! Rules on the cars of an enrollment: what the maker watches is made to match what the operator
//! declared, car by car. What is about to be asked is stored first, and what is there is looked at
//! first, so that an answer that was lost never makes a second monitor.

use std::time::Duration;

use crate::{
    domain::{
        ids::RuleId,
        monitor::{State, Watch},
        pace::Car,
        rule::{Rule, Unsupported},
        subscription::MOST_MADE,
        vehicle::{UpstreamId, Vehicle},
        vin::Vin,
    },
    stellantis::api::{ApiError, Compiled, MOST_MONITORS, Monitor, Run},
    store::vehicles::Known,
};

use super::{Error, Visit};

/// What one call and its writes may take; none begins without.
const NEEDED: Duration = Duration::from_secs(12);

/// A rule that shall be watched on a car.
struct Wanted<'a> {
    rule: &'a Rule,
    compiled: Compiled,
}

/// The car, and by which callback it speaks.
struct Place<'a> {
    car: &'a Car,
    callback: &'a UpstreamId,
}

impl Visit<'_> {
    /// Makes every car match. Whether it came to the end before time ran out.
    ///
    /// # Errors
    /// See [`Error`]. What was done is recorded.
    pub(super) async fn watch(&mut self, callback: &UpstreamId) -> Result<bool, Error> {
        let (store, id) = (&self.app.store, &self.enrollment.id);
        let rules = store.rules_for(self.enrollment).await?;
        let (cars, known) = (store.cars(id).await?, store.all_known(id).await?);
        let watches = store.watches(id).await?;
        for watch in &watches {
            if !cars.iter().any(|car| car.vin == watch.vin) {
                // It is not ours to ask about any more.
                store.remove_watch(id, &watch.vin, &watch.rule).await?;
            }
        }
        let mut all = true;
        for car in &cars {
            let Some(Known { vehicle, .. }) = known.iter().find(|it| it.vehicle.vin == car.vin)
            else {
                continue;
            };
            let rules = rules.iter().filter(|rule| rule.wish.is_for(self.enrollment, &car.vin));
            let rules: Vec<_> = rules.collect();
            let standing: Vec<_> = watches.iter().filter(|watch| watch.vin == car.vin).collect();
            if !rules.is_empty() || !standing.is_empty() {
                let place = Place { car, callback };
                all &= self.watch_car(&place, vehicle, &rules, &standing).await?;
            }
        }
        Ok(all)
    }

    async fn watch_car(
        &mut self,
        place: &Place<'_>,
        vehicle: &Vehicle,
        rules: &[&Rule],
        standing: &[&Watch],
    ) -> Result<bool, Error> {
        let wanted = self.sort_out(vehicle, rules, standing).await?;
        if !self.budget.allows(NEEDED) {
            return Ok(false);
        }
        let (address, callback) = (&place.car.address, place.callback);
        self.concerns_account("monitors");
        let listed = self.ask(async |api| api.monitors(address, callback).await).await?;
        let (mut monitors, unread) = (listed.items, listed.unread);
        let (kept, spare) = take(&mut monitors, &wanted, standing);
        for monitor in spare {
            if !self.budget.allows(NEEDED) {
                return Ok(false);
            }
            self.ask(async |api| api.delete_monitor(address, callback, &monitor.id).await).await?;
        }
        for watch in standing {
            if !rules.iter().any(|rule| rule.id == watch.rule) {
                let id = &self.enrollment.id;
                self.app.store.remove_watch(id, &watch.vin, &watch.rule).await?;
            }
        }
        for (wanted, monitor) in wanted.iter().zip(kept) {
            if !self.budget.allows(NEEDED * 2) {
                return Ok(false);
            }
            let old = standing.iter().find(|watch| watch.rule == wanted.rule.id).copied();
            // Any that can't be read may be the one.
            let made = if unread > 0 { MOST_MADE } else { old.map_or(0, |old| old.made) };
            if monitor.is_none() && made >= MOST_MADE {
                let why = if unread > 0 { "unreadable" } else { "unrecognised" };
                let fresh = fresh(&place.car.vin, wanted.rule);
                let why = Some(why.to_owned());
                let monitor = old.and_then(|old| old.monitor.clone());
                let made = old.map_or(0, |old| old.made);
                let watch = Watch { state: State::Failed, why, monitor, made, ..fresh };
                self.note_watch(old, &watch).await?;
                continue;
            }
            self.ensure(place, wanted, monitor, old).await?;
        }
        Ok(true)
    }

    /// Records the rules that can't be on this car, and returns those that can: the oldest five.
    async fn sort_out<'r>(
        &self,
        vehicle: &Vehicle,
        rules: &[&'r Rule],
        standing: &[&Watch],
    ) -> Result<Vec<Wanted<'r>>, Error> {
        let mut wanted = Vec::new();
        for rule in rules {
            let (state, why) = match rule.wish.unsupported(&self.enrollment.scopes, vehicle) {
                Some(Unsupported::Scope) => (State::Unsupported, "scope"),
                Some(Unsupported::Capability) => (State::Unsupported, "capability"),
                None if wanted.len() == MOST_MONITORS => (State::Failed, "too_many"),
                None => {
                    if let Ok(compiled) = Compiled::of(rule) {
                        wanted.push(Wanted { rule, compiled });
                        continue;
                    }
                    (State::Failed, "malformed")
                }
            };
            let old = standing.iter().find(|watch| watch.rule == rule.id).copied();
            let watch = Watch { state, why: Some(why.to_owned()), ..fresh(&vehicle.vin, rule) };
            self.note_watch(old, &watch).await?;
        }
        Ok(wanted)
    }

    /// Makes one monitor match one rule.
    async fn ensure(
        &mut self,
        place: &Place<'_>,
        wanted: &Wanted<'_>,
        monitor: Option<Monitor>,
        old: Option<&Watch>,
    ) -> Result<(), Error> {
        let before = old.map_or(0, |old| old.made);
        let made = if monitor.is_some() { 0 } else { before + 1 };
        let fresh = Watch { made: before, ..fresh(&place.car.vin, wanted.rule) };
        let done = if let Some(monitor) = monitor {
            self.match_up(place, wanted, &monitor, old, &fresh).await
        } else {
            self.note_watch(old, &fresh).await?;
            let (address, callback) = (&place.car.address, place.callback);
            let compiled = &wanted.compiled;
            self.ask(async |api| api.create_monitor(address, callback, compiled).await).await
        };
        let watch = match done {
            Ok(id) => Watch {
                state: State::Active,
                monitor: Some(id.as_str().to_owned()),
                told: Some(wanted.compiled.sha256.clone()),
                made,
                ..fresh
            },
            Err(Error::Maker(error)) => match error {
                ApiError::Invalid(_) => {
                    Watch { state: State::Failed, why: Some("refused".to_owned()), ..fresh }
                }
                ApiError::Forbidden(_) => {
                    Watch { state: State::Unsupported, why: Some("scope".to_owned()), ..fresh }
                }
                ApiError::Unreadable => {
                    let why = Some("unreadable".to_owned());
                    Watch { state: State::Failed, why, made, ..fresh }
                }
                ApiError::NotRegistered(_) => {
                    Watch { state: State::Unsupported, why: Some("plan".to_owned()), ..fresh }
                }
                error => return Err(Error::Maker(error)),
            },
            Err(error) => return Err(error),
        };
        self.note_watch(old.filter(|old| **old == watch), &watch).await
    }

    /// Says anew what changed, and lets it run if it does not.
    async fn match_up(
        &mut self,
        place: &Place<'_>,
        wanted: &Wanted<'_>,
        monitor: &Monitor,
        old: Option<&Watch>,
        fresh: &Watch,
    ) -> Result<UpstreamId, Error> {
        let (address, callback) = (&place.car.address, place.callback);
        let told = old.is_some_and(|old| {
            old.monitor.as_deref() == Some(monitor.id.as_str())
                && old.told.as_ref() == Some(&wanted.compiled.sha256)
        });
        let mut id = monitor.id.clone();
        if !told && !monitor.says(&wanted.compiled) {
            // Until the answer is stored nobody knows what it says.
            let asked = Watch { monitor: Some(id.as_str().to_owned()), ..fresh.clone() };
            self.note_watch(old, &asked).await?;
            let compiled = &wanted.compiled;
            id = self
                .ask(async |api| api.replace_monitor(address, callback, &id, compiled).await)
                .await?;
        }
        if monitor.run != Run::Running {
            self.ask(async |api| api.resume_monitor(address, callback, &id).await).await?;
        }
        Ok(id)
    }

    /// Writes how a rule stands, unless it stands so.
    async fn note_watch(&self, old: Option<&Watch>, watch: &Watch) -> Result<(), Error> {
        if old == Some(watch) {
            return Ok(());
        }
        Ok(self.app.store.save_watch(&self.enrollment.id, watch).await?)
    }
}

/// A rule on a car before the maker was asked.
fn fresh(vin: &Vin, rule: &Rule) -> Watch {
    Watch {
        vin: vin.clone(),
        rule: rule.id.clone(),
        name: rule.wish.name.clone(),
        about_places: rule.wish.is_about_places(),
        state: State::Pending,
        why: None,
        monitor: None,
        told: None,
        made: 0,
    }
}

/// Of what is listed, the monitor of each wanted rule, and those of ours that are in excess: of
/// rules that are no more, or a second one. Known by id, or told by the rule's id as their label,
/// which a list need not show. What is neither is not ours.
fn take(
    listed: &mut Vec<Monitor>,
    wanted: &[Wanted<'_>],
    standing: &[&Watch],
) -> (Vec<Option<Monitor>>, Vec<Monitor>) {
    let known = |monitor: &Monitor| {
        standing.iter().find(|watch| watch.monitor.as_deref() == Some(monitor.id.as_str()))
    };
    let is_of = |monitor: &Monitor, rule: &RuleId| {
        known(monitor).is_some_and(|watch| watch.rule == *rule)
            || monitor.label.as_deref() == Some(rule.as_str())
    };
    let kept = wanted.iter().map(|wanted| {
        let at = listed.iter().position(|monitor| is_of(monitor, &wanted.rule.id))?;
        Some(listed.swap_remove(at))
    });
    let kept = kept.collect();
    let labelled = |monitor: &Monitor| {
        monitor.label.as_deref().is_some_and(|label| label.parse::<RuleId>().is_ok())
    };
    listed.retain(|monitor| labelled(monitor) || known(monitor).is_some());
    (kept, std::mem::take(listed))
}
