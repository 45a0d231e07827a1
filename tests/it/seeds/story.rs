//! One life: link, consent, confirmation, looks, renewals, withdrawal, a new consent, erasure.

use std::collections::BTreeMap;

use accessing_party::{Effect, Operation as Db, Rule};
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{EndReason, Operation};
use tests::{Luck, RETURN_TO, World, browser, query};

/// Brand, account, a car of it.
const DRIVERS: [(&str, &str, &str); 5] = [
    ("peugeot", "peugeot-alex", "VR3UHZKXZPT000208"),
    ("citroen", "citroen-alex", "VR7BCZKXCNE000004"),
    ("ds", "ds-alex", "VR1J45GFUKY000007"),
    ("opel", "opel-kim", "VXKUHZKXZP4000011"),
    ("vauxhall", "vauxhall-alex", "VXKUHZKXZP4000013"),
];
const USER: &str = "user-of-this-seed";
const DATA: [Operation; 5] = [
    Operation::Status,
    Operation::Vehicles,
    Operation::Trips,
    Operation::Alerts,
    Operation::Maintenance,
];

/// What all lives together met.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) lives: u64,
    pub(super) renewals: u64,
    pub(super) strikes: u64,
    lost: u64,
    deaths: u64,
    consents: u64,
}

impl Totals {
    pub(super) fn add(&mut self, other: &Self) {
        self.lives += other.lives;
        self.renewals += other.renewals;
        self.strikes += other.strikes;
        self.lost += other.lost;
        self.deaths += other.deaths;
        self.consents += other.consents;
    }
}

pub(super) struct Story {
    world: World,
    luck: Luck,
    brand: &'static str,
    account: &'static str,
    vin: &'static str,
    id: String,
    begun: Vec<String>,
    /// Consents that were stored, and grants that ended, each by its name.
    consents: u64,
    lost: Vec<String>,
    /// Whether anything happened that may cost an answer of the maker.
    may_lose: bool,
}

impl Story {
    pub(super) async fn play(seed: u64) -> Totals {
        let mut luck = Luck::new(seed);
        let world = World::unkind(seed).await;
        let &(brand, account, vin) = luck.pick(&DRIVERS);
        let mut story = Self {
            world,
            luck,
            brand,
            account,
            vin,
            id: String::new(),
            begun: Vec::new(),
            consents: 0,
            lost: Vec::new(),
            may_lose: false,
        };
        story.connect().await;
        for _ in 0..8 {
            story.live().await;
        }
        story.be_withdrawn().await;
        if story.luck.once_in(2) {
            story.connect().await;
            story.live().await;
        }
        story.assert_told_once().await;
        story.erase().await;
        story.totals()
    }

    /// Consents, as often as it takes. The operator's backend does its part in its own time.
    async fn connect(&mut self) {
        for _ in 0..8 {
            if self.luck.once_in(3) {
                self.world.spoil(&mut self.luck, &[Operation::Token]);
            }
            if self.luck.once_in(4) {
                self.die("callback");
            }
            if let Some(id) = self.try_to_connect().await {
                self.world.cloud.faults().clear();
                self.world.maker().clear_faults();
                self.consents += 1;
                self.id = id;
                self.world.settle().await;
                return;
            }
            // What came to nothing is cleared away before the next try.
            self.world.clock.advance(SignedDuration::from_mins(20));
            self.world.run_all().await;
        }
        panic!("nobody can connect");
    }

    /// The enrollment that holds the grant now, if it worked.
    async fn try_to_connect(&mut self) -> Option<String> {
        let wish = json!({"user_ref": USER, "brand": self.brand, "return_to": RETURN_TO});
        let begun = self.world.patiently("POST", "/v1/enrollments", Some(wish)).await;
        assert_eq!(begun.status, 201, "{}", begun.body);
        let id = begun.body["id"].as_str().unwrap().to_owned();
        self.begun.push(id.clone());
        let link = begun.body["login_url"].as_str().unwrap().parse().unwrap();
        let mut browser = browser();
        let back = self.world.consent(&mut browser, &link, self.account).await;
        // A page of ours that fails is opened again by whoever waits for it.
        let mut page = browser.get(&back).await.unwrap();
        if page.status >= 500 {
            page = browser.get(&back).await.unwrap();
        }
        let confirmation = page.location.as_ref().and_then(|url| query(url, "confirmation"));
        if let Some(confirmation) = confirmation {
            let body = Some(json!({"user_ref": USER, "confirmation": confirmation}));
            let path = format!("/v1/enrollments/{id}/confirm");
            self.world.patiently("POST", &path, body).await;
        }
        let enrollment = self.read(&id).await;
        match enrollment["status"].as_str().unwrap() {
            "active" => Some(id),
            "merged" => Some(enrollment["merged_into"].as_str().unwrap().to_owned()),
            _ => None,
        }
    }

    /// Some hours of it, in which something fails.
    async fn live(&mut self) {
        let world = &self.world;
        world.spoil(&mut self.luck, &DATA);
        match self.luck.below(8) {
            0 | 1 => {
                // A page of HTML for a renewal: who knows whether it was done.
                self.may_lose = true;
                world.spoil(&mut self.luck, &[Operation::Refresh]);
            }
            2 if self.luck.once_in(2) => {
                self.may_lose = true;
                world.lose_answer(&mut self.luck, &[Operation::Refresh]);
            }
            3 => world.lose_answer(&mut self.luck, &DATA),
            4 | 5 => {
                let function = *self.luck.pick(&["refresh", "fetch", "act"]);
                self.die(function);
            }
            _ => {}
        }
        let minutes = 120 + self.luck.below(12 * 60);
        for _ in 0..2 {
            let half = SignedDuration::from_mins(i64::try_from(minutes / 2).unwrap());
            self.world.clock.advance(half);
            self.world.run_all().await;
        }
        // A grant that ended while the process that learnt it died is named by a later run.
        for _ in 0..4 {
            if self.world.maker().live_grants(self.account) > 0 {
                break;
            }
            self.world.clock.advance(SignedDuration::from_hours(3));
            self.world.run_all().await;
        }
        let enrollment = self.read(&self.id).await;
        if enrollment["status"] == "reauthorization_required" {
            let reason = enrollment["reason"].as_str().unwrap().to_owned();
            assert!(reason == "lost_answer" && self.may_lose, "{enrollment}");
            self.lost.push(reason);
            self.connect().await;
        } else {
            assert_eq!(enrollment["status"], "active", "{enrollment}");
            assert!(self.world.maker().live_grants(self.account) >= 1, "a dead grant is not named");
        }
    }

    /// Ends a process before or after one of its next writes.
    fn die(&mut self, function: &str) {
        self.may_lose |= function != "callback";
        let effect = *self.luck.pick(&[Effect::DieBefore, Effect::DieAfter]);
        let db = *self.luck.pick(&[Db::UpdateItem, Db::TransactWriteItems, Db::PutItem]);
        let skip = usize::try_from(self.luck.below(3)).unwrap();
        self.world.cloud.faults().next(Rule::once(effect).of(function).at(db).after(skip));
    }

    /// The driver takes the consent back at the maker.
    async fn be_withdrawn(&mut self) {
        self.world.cloud.faults().clear();
        self.world.maker().clear_faults();
        self.world.maker().withdraw(self.account);
        for _ in 0..6 {
            self.world.spoil(&mut self.luck, &[Operation::Status]);
            self.world.clock.advance(SignedDuration::from_hours(6));
            self.world.run_all().await;
        }
        self.world.maker().clear_faults();
        self.world.clock.advance(SignedDuration::from_hours(3));
        self.world.run_all().await;
        let enrollment = self.read(&self.id).await;
        assert_eq!(enrollment["status"], "reauthorization_required", "{enrollment}");
        let reason = enrollment["reason"].as_str().unwrap();
        // An answer may have been lost just before: then nobody can tell the two apart.
        assert!(reason == "withdrawn" || (reason == "lost_answer" && self.may_lose), "{reason}");
        self.lost.push(reason.to_owned());
    }

    /// No event twice under two ids, and as many as there was to tell.
    async fn assert_told_once(&self) {
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
        for event in self.world.events(&self.id).await {
            let told = format!("{} {}", event["time"], event["what"]);
            *seen.entry(told).or_default() += 1;
            *kinds.entry(event["what"]["type"].as_str().unwrap().into()).or_default() += 1;
        }
        let twice: Vec<_> = seen.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{twice:?}");
        let count = |kind: &str| kinds.get(kind).copied().unwrap_or_default();
        assert_eq!(count("enrollment.begun"), 1, "{kinds:?}");
        assert_eq!(count("enrollment.confirmed"), 1, "{kinds:?}");
        assert_eq!(count("enrollment.completed"), self.consents, "{kinds:?}");
        let losses = u64::try_from(self.lost.len()).unwrap();
        assert_eq!(count("enrollment.reauthorization_required"), losses, "{kinds:?}");
        assert_eq!(count("enrollment.erased"), 0, "{kinds:?}");
        assert!(count("vehicle.discovered") >= 1, "{kinds:?}");
        // While it is being erased nobody is told any more: so this is counted here.
        let reused = self.world.maker().reuse_kills();
        let named = self.lost.iter().filter(|reason| *reason == "lost_answer").count();
        assert!(reused <= named, "{reused} {:?}", self.lost);
    }

    /// Everything of the user is erased, and nothing is left.
    async fn erase(&mut self) {
        let ids = std::mem::take(&mut self.begun);
        for id in &ids {
            self.world.spoil(&mut self.luck, &[Operation::Revoke]);
            if self.luck.once_in(3) {
                self.die("act");
            }
            let path = format!("/v1/enrollments/{id}");
            assert_eq!(self.world.patiently("DELETE", &path, None).await.status, 202);
        }
        // How often a bad day makes it wait is luck; that it ends is not.
        for _ in 0..60 {
            self.world.clock.advance(SignedDuration::from_mins(30));
            self.world.run_all().await;
            let mut erasing = 0;
            for id in &ids {
                erasing += usize::from(self.read(id).await["status"] != "erased");
            }
            if erasing == 0 {
                break;
            }
        }
        for id in &ids {
            assert_eq!(self.read(id).await["status"], "erased");
            let mut told = self.world.event_types(id).await;
            told.retain(|kind| kind != "enrollment.erased");
            assert!(told.is_empty(), "{told:?}");
        }
        self.assert_nothing_left().await;
    }

    async fn assert_nothing_left(&self) {
        assert!(self.world.items("Grants").await.is_empty(), "a grant is left");
        self.world.assert_nowhere(&[self.vin, USER]).await;
        let maker = self.world.maker();
        assert_eq!(maker.unknown_tokens(), 0, "a token that the maker never gave");
        let live = maker.grants(self.account).iter().filter(|grant| grant.ended.is_none()).count();
        assert!(live == 0 || self.may_be_orphaned(), "{live} grants live on at the maker");
        for (function, usage) in self.world.cloud.usage().all() {
            assert!(usage.denied.is_empty(), "{function}: {:?}", usage.denied);
        }
    }

    /// A callback that died between the maker's answer and its storing leaves a grant at the maker
    /// that nobody holds a token of.
    fn may_be_orphaned(&self) -> bool {
        let strikes = self.world.cloud.faults().strikes();
        strikes.contains_key("die_before") || strikes.contains_key("die_after")
    }

    async fn read(&self, id: &str) -> Value {
        let answer = self.world.patiently("GET", &format!("/v1/enrollments/{id}"), None).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }

    fn totals(&self) -> Totals {
        let strikes = self.world.cloud.faults().strikes();
        let died = ["die_before", "die_after"].iter().filter_map(|name| strikes.get(name)).sum();
        let grants = self.world.maker().grants(self.account);
        let kept = grants.iter().filter(|grant| grant.ended != Some(EndReason::CodeReused));
        Totals {
            lives: 1,
            renewals: kept.map(|grant| grant.renewals).sum(),
            strikes: strikes.values().sum(),
            lost: self.lost.len() as u64,
            deaths: died,
            consents: self.consents,
        }
    }
}
