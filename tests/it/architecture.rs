//! The house's rules of direction, and what ships in a function.

use std::{fs, path::Path, process::Command};

const FUNCTIONS: [&str; 9] =
    ["login", "callback", "refresh", "fetch", "api", "act", "notify", "digest", "deliver"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every Rust file below a folder, or a file itself: its path and its text.
fn sources(folder: &Path) -> Vec<(String, String)> {
    if folder.is_file() {
        return vec![(folder.display().to_string(), fs::read_to_string(folder).unwrap())];
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

fn none_mentions(folder: &str, words: &[&str]) {
    let sources = sources(&root().join(folder));
    assert!(!sources.is_empty(), "{folder}");
    for (path, text) in sources {
        for word in words {
            assert!(!text.contains(word), "{path} mentions `{word}`");
        }
    }
}

#[test]
fn the_domain_is_pure() {
    let outward = ["store::", "stellantis::", "secrets::", "tokens::", "config::", "app::"];
    let words: Vec<_> = outward.iter().map(|module| format!("crate::{module}")).collect();
    let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
    words.extend(["async fn", "reqwest", "aws_sdk", "Timestamp::now"]);

    none_mentions("shared/src/domain", &words);
}

#[test]
fn layers_of_the_common_crate_look_down_only() {
    let upper = ["tokens", "visit", "due", "inbox", "remotes", "confirmed"];
    let upper = upper.map(|name| format!("crate::{name}"));
    let above = |words: &[&'static str]| -> Vec<String> {
        upper.iter().cloned().chain(words.iter().map(|&word| word.to_owned())).collect()
    };
    let below_app = above(&["crate::app", "app::App"]);
    for (path, words) in [
        ("shared/src/app.rs", &above(&[])),
        ("shared/src/seal.rs", &below_app),
        ("shared/src/secrets.rs", &below_app),
        ("shared/src/store", &[&below_app[..], &["crate::stellantis".to_owned()]].concat()),
        ("shared/src/stellantis", &[&below_app[..], &["crate::store".to_owned()]].concat()),
    ] {
        none_mentions(path, &words.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn nothing_that_ships_knows_of_the_local_cloud() {
    none_mentions("shared/src", &["accessing_party::", "simulator::", "dynoxide"]);
    none_mentions("functions", &["accessing_party::", "simulator::", "dynoxide"]);
}

#[test]
fn functions_do_not_depend_on_one_another() {
    for function in FUNCTIONS {
        let manifest = root().join("functions").join(function).join("Cargo.toml");
        let text = fs::read_to_string(manifest).unwrap();
        for other in FUNCTIONS.iter().filter(|other| **other != function) {
            assert!(
                !text.contains(&format!("\n{other}.workspace")),
                "{function} depends on {other}"
            );
        }
    }
}

#[test]
fn what_ships_holds_one_tls_stack_and_nothing_of_the_local_cloud() {
    for function in FUNCTIONS {
        let tree = Command::new(env!("CARGO"))
            .args([
                "tree",
                "--locked",
                "--offline",
                "--edges",
                "normal",
                "--prefix",
                "none",
                "-p",
                // Another crate may have the same name.
                &format!("{function}@{}", env!("CARGO_PKG_VERSION")),
            ])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
        let text = String::from_utf8(tree.stdout).unwrap();
        let names: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
        assert!(names.contains(&"rustls") && names.contains(&"shared"), "{function}: {text}");
        for unwanted in [
            "dynoxide-rs",
            "rusqlite",
            "simulator",
            "accessing-party",
            "openssl",
            "native-tls",
            "ring",
            "hyper-tls",
            "aws-smithy-http-client",
        ] {
            assert!(!names.contains(&unwanted), "{function} ships {unwanted}");
        }
    }
}

#[test]
fn every_entry_is_short() {
    for function in FUNCTIONS {
        let text = fs::read_to_string(root().join("functions").join(function).join("src/main.rs"));
        assert!(text.unwrap().lines().count() < 20, "{function}");
    }
}

/// A first deployment has no address yet: what hands one out says so instead of sending drivers nowhere.
#[test]
fn what_hands_out_our_address_does_not_start_without_one() {
    for function in ["login", "callback", "api"] {
        let main = root().join("functions").join(function).join("src/main.rs");
        let main = fs::read_to_string(main).unwrap();
        assert!(main.contains("app.config.require_public_url()?"), "{function}");
    }
}

/// The tests that SECURITY.md names: in the last column, in backticks, words joined by underscores.
#[test]
fn every_test_that_the_threats_name_exists() {
    let page = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Threat"));
    let columns = rows.filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
    let quoted = columns.flat_map(|column| column.split('`').skip(1).step_by(2));
    let named = quoted.filter(|text| {
        let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        text.matches('_').count() >= 2 && text.bytes().all(word)
    });
    let named: Vec<_> = named.collect();
    let mut code: String = ["shared", "functions", "infra", "tests"]
        .into_iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .map(|(_, text)| text)
        .collect();
    for entry in fs::read_dir(root().join("infra/aws/checks")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "py") {
            code.push_str(&fs::read_to_string(path).unwrap());
        }
    }

    let exists =
        |name: &str| ["fn", "def"].iter().any(|word| code.contains(&format!("{word} {name}(")));
    let missing: Vec<_> = named.iter().filter(|name| !exists(name)).collect();

    assert!(named.len() > 100, "{}", named.len());
    assert!(missing.is_empty(), "{missing:#?}");
}
