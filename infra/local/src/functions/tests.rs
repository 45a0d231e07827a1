use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use shared::domain::ids::EnrollmentId;

use super::*;
use crate::{
    Cloud,
    faults::{Effect, Rule},
    front::Operation,
    testing::{manual_clock, options},
};

/// A cloud in which `api` is a handler of the test's own, with the role of `api`.
async fn cloud(
    faults: &Faults,
    handler: fn(Arc<App>, LambdaEvent<Value>) -> crate::lambda::Invocation,
) -> Cloud {
    let mut options = options(&manual_clock(), faults.clone());
    options.programs.insert("api".to_owned(), event(handler, &[]));
    Cloud::start(options).await.unwrap()
}

/// Reads an enrollment that is not there: one call to the database.
async fn look(app: Arc<App>) -> Result<Value, Diagnostic> {
    let found = app.store.enrollment(&EnrollmentId::random(), app.clock.now()).await;
    Ok(json!({"found": found.unwrap().is_some()}))
}

#[tokio::test]
async fn the_sdk_tries_again_when_an_answer_is_lost() {
    let faults = Faults::none();
    let cloud = cloud(&faults, |app, _| Box::pin(look(app))).await;
    faults.next(Rule::once(Effect::LostAnswer));

    let answer = cloud.invoke("api", json!({})).await.unwrap();

    assert_eq!(answer, json!({"found": false}));
    assert_eq!(cloud.usage().of("api").calls[&Operation::GetItem], 2);
}

#[tokio::test]
async fn a_process_that_dies_answers_nothing_more_and_the_next_one_starts_cold() {
    static STEPS: AtomicUsize = AtomicUsize::new(0);
    let faults = Faults::none();
    let cloud = cloud(&faults, |app, _| {
        Box::pin(async move {
            look(Arc::clone(&app)).await?;
            STEPS.fetch_add(1, Ordering::SeqCst);
            look(app).await
        })
    })
    .await;
    faults.next(Rule::once(Effect::DieBefore).of("api").after(1));

    let died = cloud.invoke("api", json!({})).await;
    let alive = cloud.invoke("api", json!({})).await;

    assert!(matches!(died, Err(InvokeError::Died)), "{died:?}");
    assert_eq!(alive.unwrap(), json!({"found": false}));
    assert_eq!(STEPS.load(Ordering::SeqCst), 2);
    // Of the first process, one call was done; of the second, both.
    assert_eq!(cloud.usage().of("api").calls[&Operation::GetItem], 3);
}

#[tokio::test]
async fn a_panic_ends_one_invocation_and_no_more() {
    let cloud = cloud(&Faults::none(), |_, event| {
        Box::pin(async move {
            assert!(event.payload.get("panic").is_none(), "asked to panic");
            Ok(json!(event.context.deadline > 0))
        })
    })
    .await;

    let panicked = cloud.invoke("api", json!({"panic": true})).await;

    assert!(matches!(panicked, Err(InvokeError::Died)), "{panicked:?}");
    assert_eq!(cloud.invoke("api", json!({})).await.unwrap(), json!(true));
}

#[tokio::test]
async fn an_invocation_ends_when_its_time_is_up() {
    let keys = Keys::default();
    let environment = [
        ("PUBLIC_URL", "https://cars.example.com"),
        ("OPERATOR_NAME", "Test"),
        ("GRANTS_TABLE", "g"),
        ("RECORDS_TABLE", "r"),
        ("OUTBOX_TABLE", "o"),
        ("AWS_REGION", "local-1"),
    ];
    let settings = Settings {
        program: event(|_, _| Box::pin(std::future::pending()), &[]),
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        timeout: Duration::from_millis(50),
    };
    let all = [("slow".to_owned(), settings)].into();
    let functions = Functions::new(all, keys, manual_clock().clock(), Faults::none(), None);

    let ended = functions.invoke("slow", json!({})).await;

    assert!(matches!(ended, Err(InvokeError::TimedOut)), "{ended:?}");
    assert!(matches!(functions.invoke("nobody", json!({})).await, Err(InvokeError::Unknown)));
}
