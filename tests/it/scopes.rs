//! Every operation is for the keys that its description names, and for no other.

use std::collections::BTreeMap;

use accessing_party::{Drive, credentials::SCOPES};
use tests::{World, minutes};

/// A key for every wish, and what a key with these scopes is called.
struct Keys(BTreeMap<Vec<String>, String>);

impl Keys {
    /// Makes one for each of these sets of scopes.
    fn make(world: &World, sets: impl Iterator<Item = Vec<String>>) -> Self {
        let mut keys = BTreeMap::new();
        for scopes in sets {
            keys.entry(scopes).or_insert_with_key(|scopes| world.add_key(scopes));
        }
        world.clock.advance(minutes(6));
        Self(keys)
    }

    fn of(&self, scopes: &[String]) -> &str {
        &self.0[scopes]
    }
}

/// All scopes but this one.
fn all_but(scope: &str) -> Vec<String> {
    SCOPES.iter().filter(|it| **it != scope).map(|it| (*it).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_needs_the_scopes_that_are_described_and_no_other() {
    let world = World::with(|options| options.streams = Drive::Running).await;
    let asks = world.all_asks().await;
    assert!(asks.len() > 40, "{}", asks.len());
    let lacking = asks.iter().flat_map(|ask| ask.scopes.iter().map(|it| all_but(it)));
    let keys = Keys::make(&world, lacking.chain(asks.iter().map(|ask| ask.scopes.clone())));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();

    for ask in &asks {
        let told = async |key: Option<&str>| {
            let request = ask.request(&world, &http);
            let request = match key {
                Some(key) => request.bearer_auth(key),
                None => request,
            };
            let answer = request.send().await.unwrap();
            let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap());
            let body: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
            (status, body["type"].as_str().unwrap_or_default().to_owned())
        };
        assert!(!ask.scopes.is_empty(), "{ask:?} is for everybody");

        assert_eq!(told(None).await, (401, "invalid_key".into()), "{ask:?}");
        for scope in &ask.scopes {
            let refused = told(Some(keys.of(&all_but(scope)))).await;
            assert_eq!(refused, (403, "insufficient_scope".into()), "{ask:?} without {scope}");
        }
        let (status, kind) = told(Some(keys.of(&ask.scopes))).await;
        assert!(status < 500 && status != 401 && kind != "insufficient_scope", "{ask:?}: {kind}");
    }
}
