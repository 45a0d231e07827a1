use std::path::PathBuf;

use jiff::SignedDuration;

use super::*;
use crate::{
    front::Operation,
    testing::{Caller, manual_clock, options},
};

fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("accessing-party-{}", shared::random::id()))
}

fn put(pk: &str, expires_at: i64) -> Value {
    let item =
        json!({"pk": {"S": pk}, "sk": {"S": "X"}, "expires_at": {"N": expires_at.to_string()}});
    json!({"TableName": "Records", "Item": item})
}

#[tokio::test]
async fn a_restart_finds_everything_where_it_was() {
    let (clock, folder) = (manual_clock(), temporary());
    let mut options = options(&clock, Faults::none());
    options.data = Some(folder.clone());

    let first = Cloud::start(options.clone()).await.unwrap();
    let key = secrecy::ExposeSecret::expose_secret(first.api_key().unwrap()).to_owned();
    Caller::new(&first, "api").done(Operation::PutItem, put("kept", i64::MAX >> 8)).await;
    first
        .queues()
        .send("https://sqs.local-1.amazonaws.com/000000000000/RescueQueue", "kept")
        .await
        .unwrap();
    first.shutdown().await;
    let second = Cloud::start(options).await.unwrap();

    assert_eq!(second.items("Records").await.unwrap()[0]["pk"]["S"], "kept");
    assert_eq!(second.queues().peek("RescueQueue").await.unwrap(), ["kept"]);
    assert_eq!(secrecy::ExposeSecret::expose_secret(second.api_key().unwrap()), key);
    second.shutdown().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_expired_is_removed_a_day_late() {
    let clock = manual_clock();
    let cloud = Cloud::start(options(&clock, Faults::none())).await.unwrap();
    let now = clock.now().as_second();
    let api = Caller::new(&cloud, "api");
    api.done(Operation::PutItem, put("soon", now + 60)).await;
    api.done(Operation::PutItem, put("later", now + 40 * 3600)).await;

    clock.advance(SignedDuration::from_hours(12));
    cloud.tick().await.unwrap();
    let at_noon = cloud.items("Records").await.unwrap().len();
    clock.advance(SignedDuration::from_hours(24));
    cloud.tick().await.unwrap();

    assert_eq!(at_noon, 2);
    let left = cloud.items("Records").await.unwrap();
    assert_eq!(left.iter().map(|item| &item["pk"]["S"]).collect::<Vec<_>>(), ["later"]);
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_start_is_said_in_one_line() {
    let clock = manual_clock();
    let running = Cloud::start(options(&clock, Faults::none())).await.unwrap();
    let complaint = |change: fn(&mut CloudOptions)| {
        let mut options = options(&clock, Faults::none());
        change(&mut options);
        options
    };
    let start = |options: CloudOptions| async {
        let text = Cloud::start(options).await.err().unwrap().to_string();
        assert!(!text.contains('\n'), "{text}");
        text
    };

    let mut taken = complaint(|_| ());
    taken.port = running.gateway_addr.port();
    assert!(start(taken).await.ends_with("choose another with --port"));
    let folder = complaint(|options| options.data = Some("/proc/nowhere".into()));
    assert!(start(folder).await.starts_with("/proc/nowhere: "));
    let parameter =
        complaint(|options| drop(options.parameters.insert("Workers".into(), "3".into())));
    assert_eq!(start(parameter).await, "the parameter Workers: expected one of 1, 2, 4, 8");
    for (name, value, wanted) in [
        ("HistoryDays", "abc", "the parameter HistoryDays: expected a number from 0 to 3650"),
        ("OperatorName", "", "the parameter OperatorName: expected a text of 1 to 100 characters"),
        (
            "ReturnTo",
            "not a url",
            "ReturnTo: expected an https URL without query, fragment or user (http only on loopback)",
        ),
    ] {
        let mut options = complaint(|_| ());
        options.parameters.insert(name.into(), value.into());
        assert_eq!(start(options).await, wanted);
    }
    let program = complaint(|options| {
        options.programs.remove("act");
    });
    assert_eq!(start(program).await, "the template has a function act, which is not built in");
    let public = complaint(|options| {
        options.live = true;
        options.maker = Maker::At { idp: None, api: None, b2b: None };
        options.public_url = Url::parse("http://cars.example.com").ok();
    });
    assert_eq!(start(public.clone()).await, "--public-url must be https");
    let unreachable = CloudOptions { public_url: None, ..public };
    assert!(start(unreachable).await.starts_with("--live needs --public-url https://HOST"));
}

#[tokio::test]
async fn a_folder_of_one_maker_is_never_used_with_another() {
    let (clock, folder) = (manual_clock(), temporary());
    let mut simulated = options(&clock, Faults::none());
    simulated.data = Some(folder.clone());
    let mut live = simulated.clone();
    live.live = true;
    live.maker = Maker::At { idp: None, api: None, b2b: None };
    live.public_url = Url::parse("https://cars.example.com").ok();

    Cloud::start(simulated.clone()).await.unwrap().shutdown().await;

    let refused = Cloud::start(live).await.err().unwrap().to_string();
    let holds = "holds the data of the simulated maker; choose another folder with --data";
    assert!(refused.ends_with(holds), "{refused}");
    Cloud::start(simulated).await.unwrap().shutdown().await;
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn what_is_no_database_is_named_and_left_alone() {
    let (clock, folder) = (manual_clock(), temporary());
    let mut options = options(&clock, Faults::none());
    options.data = Some(folder.clone());
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("accessing-party.db");
    std::fs::write(&file, "not a database at all").unwrap();

    let refused = Cloud::start(options).await.err().unwrap().to_string();

    assert!(refused.contains("accessing-party.db is no database, or is damaged"), "{refused}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "not a database at all");
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn live_judges_its_secrets_before_it_listens() {
    let clock = manual_clock();
    let folder = crate::folder::Folder::open(&temporary()).unwrap();
    folder.make_secrets().unwrap();
    let mut live = options(&clock, Faults::none());
    live.live = true;
    live.maker = Maker::At { idp: None, api: None, b2b: None };
    live.public_url = Url::parse("https://cars.example.com").ok();
    live.secrets = Some(folder.secrets_file());
    let start = |options: CloudOptions| async {
        Cloud::start(options).await.err().map(|error| error.to_string())
    };

    let simulated = start(live.clone()).await.unwrap();
    let mut secrets = crate::credentials::new_secrets("client", &"client-secret".into());
    secrets["maker"]["certificate"] = "garbage".into();
    secrets["maker"]["private_key"] = "garbage".into();
    crate::folder::replace(&folder.secrets_file(), &crate::folder::pretty(&secrets)).unwrap();
    let garbage = start(live).await.unwrap();

    assert!(simulated.contains("was made for the simulated maker"), "{simulated}");
    assert!(garbage.contains("maker.certificate is not PEM"), "{garbage}");
    let path = folder.secrets_file();
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn live_has_no_simulated_maker_no_open_door_and_no_secrets_of_its_own_making() {
    let (clock, folder) = (manual_clock(), temporary());
    let mut live = options(&clock, Faults::none());
    live.live = true;
    live.public_url = Url::parse("https://cars.example.com").ok();
    let simulated = live.clone();
    live.maker = Maker::At { idp: None, api: None, b2b: None };
    let mut opened = live.clone();
    opened.parameters.insert("OpenMode".into(), "true".into());
    let mut bare = live.clone();
    bare.data = Some(folder.clone());

    let cloud = Cloud::start(live).await.unwrap();

    assert!(cloud.simulator().is_none() && cloud.control_token().is_none());
    let login = format!("{}/login?brand=peugeot", cloud.gateway_url());
    let answer =
        crate::testing::http().get(login).header("host", "cars.example.com").send().await.unwrap();
    assert!(answer.status().is_client_error(), "{}", answer.status());
    assert!(matches!(Cloud::start(simulated).await, Err(StartError::Live)));
    assert!(matches!(Cloud::start(opened).await, Err(StartError::Live)));
    let bare = Cloud::start(bare).await.err().unwrap().to_string();
    assert!(bare.ends_with("secrets.json; make it: accessing-party secret new --help"), "{bare}");
    std::fs::remove_dir_all(folder).unwrap();
}
