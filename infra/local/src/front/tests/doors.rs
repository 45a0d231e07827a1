//! Who gets in.

use std::error::Error;

use secrecy::SecretString;
use shared::domain::ids::GrantId;

use super::support::World;
use crate::{
    faults::{Effect, Faults, Rule},
    front::{AccessKey, Operation},
};

fn why(error: &dyn Error) -> String {
    error.source().unwrap().to_string()
}

#[tokio::test]
async fn a_wrong_key_is_refused() {
    let world = World::start(Faults::none()).await;
    let key = world.front.keys.issue("refresh");
    let wrong = AccessKey { id: key.id.clone(), secret: SecretString::from("wrong") };
    let unknown = AccessKey { id: "AKIDEXAMPLE".to_owned(), secret: key.secret.clone() };

    for (key, code) in
        [(wrong, "InvalidSignatureException"), (unknown, "UnrecognizedClientException")]
    {
        let app = world.app_with("refresh", &key);
        let error = app.store.grant(&GrantId::random()).await.unwrap_err();
        assert_eq!(why(&error), format!("refused: {code}"));
    }
    assert!(
        world.app_with("refresh", &key).store.grant(&GrantId::random()).await.unwrap().is_none()
    );
}

#[tokio::test]
async fn a_call_outside_the_role_is_refused_and_noted() {
    let world = World::start(Faults::none()).await;

    let error = world.app("api").store.grant(&GrantId::random()).await.unwrap_err();

    assert_eq!(why(&error), "refused: AccessDeniedException");
    let denied = world.front.usage.of("api").denied;
    assert_eq!(denied.len(), 1);
    assert!(
        denied[0].contains("api")
            && denied[0].contains("dynamodb:GetItem")
            && denied[0].ends_with("table/Grants"),
        "{denied:?}"
    );
}

#[tokio::test]
async fn a_secret_outside_the_role_is_refused() {
    let mut world = World::start(Faults::none()).await;
    let maker = world.template.functions["refresh"].environment["MAKER_SECRET_ID"].clone();
    let login = world.template.functions.get_mut("login").unwrap();
    login.environment.insert("MAKER_SECRET_ID".to_owned(), maker);

    let error = world.app("login").secrets.maker().await.unwrap_err();

    assert_eq!(why(&error), "refused: AccessDeniedException");
}

#[tokio::test]
async fn pages_in_a_browser_and_foreign_hosts_get_403() {
    let world = World::start(Faults::none()).await;
    let http = reqwest::Client::builder().build().unwrap();
    let status = async |name: &'static str, value: &str| {
        let request = http
            .post(&world.url)
            .header("x-amz-target", "DynamoDB_20120810.GetItem")
            .header(name, value);
        let answer = request.body("{}").send().await.unwrap();
        assert!(answer.headers().keys().all(|name| !name.as_str().starts_with("access-control")));
        answer.status().as_u16()
    };

    assert_eq!(status("origin", "https://evil.example").await, 403);
    assert_eq!(status("origin", "null").await, 403);
    assert_eq!(status("host", "evil.example").await, 403);
    assert_eq!(status("host", "127.0.0.1:1").await, 403);
    assert_eq!(status("x-nothing", "else").await, 400);
}

#[tokio::test]
async fn a_dead_process_gets_no_answer_until_it_is_started_again() {
    let world = World::start(Faults::ordered()).await;
    world.front.faults.next(Rule::once(Effect::DieBefore).of("refresh").at(Operation::GetItem));
    let app = world.app("refresh");

    let error = app.store.grant(&GrantId::random()).await.unwrap_err();

    assert_eq!(why(&error), "no answer");
    assert!(world.app("refresh").store.grant(&GrantId::random()).await.is_ok());
}
