//! The steps of the story. Each returns what it proved.

use jiff::SignedDuration;
use serde_json::{Value, json};
use simulator::{EndReason, GrantView, World, consent_request};

use crate::browser::Browser;

use super::{JourneyError, RETURN_TO, Story, expect, url};

/// The operator's own name for its user.
const USER: &str = "user-1";
/// The driver of the story, with one electric car.
const ACCOUNT: &str = "peugeot-alex";
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const QUARTER: SignedDuration = SignedDuration::from_mins(15);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// The operator's backend asks for a login link.
pub(super) async fn enroll(story: &mut Story) -> Result<String, JourneyError> {
    let wish = json!({
        "user_ref": USER, "brand": "peugeot", "return_to": RETURN_TO,
        "scopes": ["openid", "data:telemetry", "remote:horn:write"],
    });
    let begun = story.api("POST", "/v1/enrollments", Some(wish), 201).await?;
    text(&begun["id"]).clone_into(&mut story.enrollment);
    text(&begun["login_url"]).clone_into(&mut story.login_url);
    expect(story.enrollment().await?["status"] == "begun", "the enrollment is begun")?;
    Ok("the operator's backend has a login link for its user".to_owned())
}

/// The driver follows it, consents at the maker and comes back.
pub(super) async fn consent(story: &mut Story) -> Result<String, JourneyError> {
    let login = url(&story.login_url)?;
    let departed = story.driver.get(&login).await?;
    let authorize =
        departed.location.ok_or(JourneyError::Unexpected("login leads to the maker"))?;
    let asked =
        |name: &str| authorize.query_pairs().any(|(key, value)| key == name && !value.is_empty());
    let protected = ["state", "nonce", "code_challenge"].into_iter().all(asked);
    expect(departed.status == 302 && protected, "the request carries state, nonce and PKCE")?;

    let page = story.driver.get(&authorize).await?;
    let request = consent_request(&page.body)
        .ok_or(JourneyError::Unexpected("the maker asks for consent"))?;
    let button = authorize
        .join("consent")
        .map_err(|_| JourneyError::Unexpected("an address is well-formed"))?;
    let fields = [("request", request), ("account", ACCOUNT), ("decision", "accept")];
    let agreed = story.driver.post(&button, &fields).await?;
    let callback =
        agreed.location.ok_or(JourneyError::Unexpected("the maker sends the browser back"))?;

    let returned = story.driver.get(&callback).await?;
    let back =
        returned.location.ok_or(JourneyError::Unexpected("the browser reaches return_to"))?;
    let told = |name: &str| {
        back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let outcome = told("outcome");
    expect(
        returned.status == 303 && outcome.as_deref() == Some("connected"),
        "the outcome is `connected`",
    )?;
    story.confirmation = told("confirmation")
        .ok_or(JourneyError::Unexpected("the browser brings a confirmation"))?;

    let again = story.driver.get(&callback).await?;
    expect(again.location.as_ref() == Some(&back), "the same browser is told the same once more")?;
    let other = Browser::new()?.get(&callback).await?;
    let other = format!("{:?} {}", other.location, other.body);
    expect(!other.contains(&story.confirmation), "another browser learns no confirmation")?;
    expect(story.world()?.live_grants(ACCOUNT) == 1, "a code that comes twice costs nothing")?;
    Ok("tokens exchanged once and stored sealed; the browser is back".to_owned())
}

/// The operator's backend says that this browser is its user's.
pub(super) async fn confirm(story: &mut Story) -> Result<String, JourneyError> {
    expect(
        story.enrollment().await?["status"] == "awaiting_confirmation",
        "nothing flows before confirmation",
    )?;
    story.api("GET", &format!("/v1/enrollments/{}/vehicles", story.enrollment), None, 404).await?;
    let path = format!("/v1/enrollments/{}/confirm", story.enrollment);
    let confirm = |user: &str, confirmation: &str| {
        Some(json!({"user_ref": user, "confirmation": confirmation}))
    };
    story.api("POST", &path, confirm(USER, "of somebody else"), 403).await?;
    story.api("POST", &path, confirm("somebody-else", &story.confirmation), 403).await?;
    let body = confirm(USER, &story.confirmation);
    let confirmed = story.api("POST", &path, body, 200).await?;
    expect(confirmed["status"] == "active", "the enrollment is active")?;
    Ok("no data before, and only the confirmation of this browser opens it".to_owned())
}

/// The cars are found and looked at.
pub(super) async fn fetch(story: &mut Story) -> Result<String, JourneyError> {
    story.cloud.settle().await?;
    story.pass(MINUTE * 5, MINUTE * 5).await?;
    let cars = story.cars().await?;
    let car = cars.first().ok_or(JourneyError::Unexpected("the car is found"))?;
    text(&car["vin"]).clone_into(&mut story.vin);
    let state = story.state().await?;
    let level = state["state"]["electric"]["values"]["level"]["value"].as_f64();
    let mileage = mileage(&state).ok_or(JourneyError::Unexpected("the odometer is known"))?;
    let level = level.ok_or(JourneyError::Unexpected("the battery's level is known"))?;
    expect(
        state["state"].get("position").is_none_or(|block| block["values"] == json!({})),
        "no position without its scope",
    )?;
    Ok(format!(
        "{} at {level:.0} % and {mileage:.0} km, each value with unit and time",
        text(&car["label"])
    ))
}

/// The car drives; what it did arrives.
pub(super) async fn drive(story: &mut Story) -> Result<String, JourneyError> {
    let before = mileage(&story.state().await?).unwrap_or_default();
    let ahead = story.world()?.drives(&story.vin, story.clock.now(), 1);
    let (_, stop) = ahead.last().copied().ok_or(JourneyError::Unexpected("the car drives"))?;
    while story.clock.now() < stop + HOUR {
        story.pass(QUARTER, QUARTER).await?;
    }
    let driven = mileage(&story.state().await?).unwrap_or_default() - before;
    expect(driven > 0.0, "the odometer has moved")?;
    let path = format!(
        "/v1/enrollments/{}/vehicles/{}/history?fields=odometer.mileage",
        story.enrollment, story.vin
    );
    let history = story.api("GET", &path, None, 200).await?;
    let changes = history["items"].as_array().map_or(0, Vec::len);
    expect(changes > 0, "the change is in the history")?;
    Ok(format!("{driven:.0} km later the state has changed, with {changes} entries of history"))
}

/// Two days pass: access tokens die after an hour, refresh tokens unused after 30 hours.
pub(super) async fn renew(story: &mut Story) -> Result<String, JourneyError> {
    let calls = |story: &Story| story.cloud.usage().of("refresh").total();
    let before = calls(story);
    story.pass(HOUR * 48, HOUR).await?;
    let grant = story.grant()?;
    expect(grant.ended.is_none() && grant.renewals > 0, "the grant was renewed and lives")?;
    expect(
        story.world()?.reuse_kills() == 0 && story.world()?.unknown_tokens() == 0,
        "no token was lost or sent twice",
    )?;
    expect(calls(story) > before, "the renewals were scheduled")?;
    Ok(format!("two days later the consent lives, after {} renewals", grant.renewals))
}

/// The driver withdraws at the maker.
pub(super) async fn withdraw(story: &mut Story) -> Result<String, JourneyError> {
    story.world()?.withdraw(ACCOUNT);
    for _ in 0..30 {
        story.pass(HOUR, HOUR).await?;
        let enrollment = story.enrollment().await?;
        if enrollment["status"] == "reauthorization_required" {
            expect(
                story.grant()?.ended == Some(EndReason::Withdrawn),
                "the maker ended it, not we",
            )?;
            let known = mileage(&story.state().await?).is_some();
            expect(known, "the last state is still there")?;
            return Ok(format!("noticed, and told as `{}`", text(&enrollment["reason"])));
        }
    }
    Err(JourneyError::Unexpected("the withdrawal is noticed within 30 hours"))
}

/// The operator erases the user.
pub(super) async fn erase(story: &mut Story) -> Result<String, JourneyError> {
    let path = format!("/v1/enrollments/{}", story.enrollment);
    story.api("DELETE", &path, None, 202).await?;
    story.api("GET", &format!("{path}/vehicles"), None, 404).await?;
    story.pass(MINUTE * 15, MINUTE * 5).await?;
    let progress = story.api("GET", &format!("{path}/erasure"), None, 200).await?;
    expect(progress["status"] == "erased", "the erasure is done")?;
    let mut left = 0;
    for table in ["Grants", "Records", "Outbox"] {
        let items = story.cloud.items(table).await?;
        let all = Value::from(items.clone()).to_string();
        expect(
            !all.contains(&story.vin) && !all.contains("user-1"),
            "neither VIN nor user is left in any table",
        )?;
        left += items.len();
    }
    Ok(format!("nothing of the user is left in the tables ({left} items without a name)"))
}

impl Story {
    pub(super) fn world(&self) -> Result<&World, JourneyError> {
        let simulator =
            self.cloud.simulator().ok_or(JourneyError::Unexpected("the maker is simulated"))?;
        Ok(simulator.world())
    }

    fn grant(&self) -> Result<GrantView, JourneyError> {
        self.world()?
            .grants(ACCOUNT)
            .pop()
            .ok_or(JourneyError::Unexpected("the maker knows the grant"))
    }

    async fn cars(&self) -> Result<Vec<Value>, JourneyError> {
        let page = self
            .api("GET", &format!("/v1/enrollments/{}/vehicles", self.enrollment), None, 200)
            .await?;
        Ok(page["items"].as_array().cloned().unwrap_or_default())
    }

    async fn state(&self) -> Result<Value, JourneyError> {
        self.api(
            "GET",
            &format!("/v1/enrollments/{}/vehicles/{}", self.enrollment, self.vin),
            None,
            200,
        )
        .await
    }
}

fn mileage(state: &Value) -> Option<f64> {
    state["state"]["odometer"]["values"]["mileage"]["value"].as_f64()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
