//! The steps in which the car makes news, and is told what to do.

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::Change;

use super::{JourneyError, Story, expect, steps::text};
use crate::receiver::Posted;

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
/// How empty the battery gets.
const LOW: f64 = 12.0;

/// The operator has an endpoint, and tries it.
pub(super) async fn webhook(story: &mut Story) -> Result<String, JourneyError> {
    let made = story.api("POST", "/v1/webhooks", Some(json!({"url": story.endpoint.url()})), 201);
    let made = made.await?;
    let (id, secret) = (text(&made["id"]).to_owned(), text(&made["secret"]).to_owned());
    story.api("POST", &format!("/v1/webhooks/{id}/test"), Some(json!({})), 202).await?;
    story.cloud.settle().await?;
    let tried = story.told("webhook.test").ok_or(JourneyError::Unexpected("the test arrives"))?;
    expect(tried.is_signed_with(&secret), "it is signed with the secret shown once")?;
    let forged = Posted { body: tried.body.replacen('e', "f", 1), ..tried };
    expect(!forged.is_signed_with(&secret), "a flipped byte is refused")?;
    let again = story.api("GET", &format!("/v1/webhooks/{id}"), None, 200).await?;
    expect(again.get("secret").is_none(), "the secret is not shown again")?;
    Ok("a signed event has reached the operator's endpoint".to_owned())
}

/// The maker watches the battery by the operator's rule.
pub(super) async fn monitor(story: &mut Story) -> Result<String, JourneyError> {
    let rule = json!({"name": "battery low", "when": {"use": "battery_below", "level": 20}});
    let rule = story.api("POST", "/v1/monitors", Some(rule), 201).await?;
    let standing = format!("/v1/monitors/{}/vehicles", text(&rule["id"]));
    story.pass(MINUTE * 15, MINUTE * 5).await?;
    let page = story.api("GET", &standing, None, 200).await?;
    expect(page["items"][0]["state"] == "active", "the maker watches the car by it")?;

    story.park().await?;
    story.world()?.touch_car(&story.vin, Change::BatteryLevel(LOW)).map_err(|_| NO_CAR)?;
    let before = story.clock.now();
    story.world()?.run_events().await;
    story.cloud.settle().await?;
    let told = story
        .told("vehicle.monitor.triggered")
        .ok_or(JourneyError::Unexpected("the endpoint is told that the rule came true"))?;
    expect(told.event["data"]["name"] == "battery low", "it names the rule")?;
    expect(story.clock.now() == before, "nobody had to ask for it")?;
    Ok(format!("the battery fell to {LOW:.0} %: pushed, digested and told, with nobody asking"))
}

/// The operator has the horn sounded.
pub(super) async fn remote(story: &mut Story) -> Result<String, JourneyError> {
    let path = format!("/v1/enrollments/{}/vehicles/{}/remotes", story.enrollment, story.vin);
    let horn = json!({"horn": {"on": true}, "on_behalf_of": "user-1"});
    let asked = story.api("POST", &path, Some(horn), 202).await?;
    let path = format!("{path}/{}", text(&asked["id"]));
    for _ in 0..10 {
        story.cloud.settle().await?;
        story.world()?.run_events().await;
        story.pass(MINUTE, MINUTE).await?;
        let now = story.api("GET", &path, None, 200).await?;
        if now["settled"] == Value::Bool(true) {
            expect(now["outcome"] == "success", "the horn was sounded")?;
            let posts = story.world()?.remote_posts();
            expect(posts.len() == 1, "the command was sent once")?;
            let steps = now["steps"].as_array().map_or(0, Vec::len);
            let told = story.told("vehicle.remote.updated");
            expect(told.is_some(), "the endpoint is told how it went")?;
            return Ok(format!("the horn was sounded: sent once, {steps} steps, each timed"));
        }
    }
    Err(JourneyError::Unexpected("the command comes to an end"))
}

const NO_CAR: JourneyError = JourneyError::Unexpected("the maker knows the car");

impl Story {
    /// What the endpoint was told last of this kind.
    fn told(&self, kind: &str) -> Option<Posted> {
        self.endpoint.taken().into_iter().rfind(|posted| posted.kind() == kind)
    }

    /// Waits for a long rest of the car: what befalls it then lasts until the next drive.
    async fn park(&self) -> Result<(), JourneyError> {
        let drives = self.world()?.drives(&self.vin, self.clock.now(), 40);
        let long = drives.windows(2).find_map(|pair| match pair {
            [(_, stop), (next, _)] if next.duration_since(*stop).as_hours() >= 6 => Some(*stop),
            _ => None,
        });
        let stop = long.ok_or(JourneyError::Unexpected("the car rests"))?;
        self.pass(stop.duration_since(self.clock.now()) + MINUTE * 10, MINUTE * 60).await
    }
}
