use super::*;

fn begun() -> Enrollment {
    let scopes = vec!["openid".to_owned()];
    Enrollment::begin(
        EnrollmentId::random(),
        "user-1".parse().unwrap(),
        Brand::Peugeot,
        scopes,
        Timestamp::UNIX_EPOCH,
    )
}

#[test]
fn a_link_is_spent_by_the_first_callback() {
    let now = Timestamp::UNIX_EPOCH;
    let claimed = begun().claim("one".into(), now).unwrap();

    assert_eq!(claimed.claimed_by.as_deref(), Some("one"));
    assert_eq!(claimed.claim("two".into(), now).unwrap_err().from, Status::Exchanging);
}

#[test]
fn a_link_does_not_outlive_its_day() {
    let late = Timestamp::UNIX_EPOCH + LINK_LIVES;

    assert!(begun().is_abandoned(late));
    assert!(begun().claim("one".into(), late).is_err());
}

#[test]
fn a_tombstone_names_nobody() {
    let now = Timestamp::UNIX_EPOCH;
    let account = Some("hash".to_owned());
    let begun = Enrollment { identity: account.clone(), account, ..begun() };
    let erased = begun.erase(Reason::Requested, now).unwrap().tombstone(now);

    assert_eq!(erased.status, Status::Erased);
    assert!(erased.user_ref.is_none() && erased.consent.is_none());
    assert!(erased.identity.is_none() && erased.account.is_none());
    assert!(erased.erase(Reason::Requested, now).is_err());
}

#[test]
fn an_e_mail_address_is_no_user_ref() {
    assert!("driver@example.com".parse::<UserRef>().is_err());
    assert!("".parse::<UserRef>().is_err());
    assert!("team:4711".parse::<UserRef>().is_ok());
}

fn given(asked: &str) -> (GrantId, Consent) {
    let consent = Consent {
        at: Timestamp::UNIX_EPOCH,
        asked: vec![asked.to_owned()],
        granted: None,
        text_version: CONSENT_TEXT.to_owned(),
        purpose: "a test".to_owned(),
    };
    (GrantId::random(), consent)
}

fn confirmation() -> Confirmation {
    let now = Timestamp::UNIX_EPOCH;
    Confirmation { sha256: "hash".to_owned(), until: now + CONFIRM_WITHIN }
}

fn active(by: ConfirmedBy) -> Enrollment {
    let (now, (grant, consent)) = (Timestamp::UNIX_EPOCH, given("data:telemetry"));
    let claimed = begun().claim("state".into(), now).unwrap();
    let waits = claimed.await_confirmation(grant, None, None, consent, confirmation(), now);
    waits.unwrap().confirm(by, now).unwrap()
}

#[test]
fn what_a_new_consent_asked_for_counts_from_then_on() {
    let (now, (grant, consent)) = (Timestamp::UNIX_EPOCH, given("data:position"));
    let first = active(ConfirmedBy::Backend);
    let old = first.grant.clone();

    let renewed = first.renew(grant.clone(), consent, Some(confirmation()), now).unwrap();

    assert_eq!(renewed.scopes, ["data:position"]);
    assert_eq!((renewed.grant, renewed.former_grants), (Some(grant), Vec::from_iter(old)));
    assert_eq!(renewed.confirmation, None, "its backend has vouched for it");
}

#[test]
fn a_backend_may_vouch_for_what_a_link_vouched_for_after_a_new_consent() {
    let (now, (grant, consent)) = (Timestamp::UNIX_EPOCH, given("data:position"));
    let first = active(ConfirmedBy::Link);
    assert!(first.clone().confirm(ConfirmedBy::Backend, now).is_err(), "nothing came back yet");

    let renewed = first.renew(grant, consent, Some(confirmation()), now).unwrap();
    let confirmed = renewed.confirm(ConfirmedBy::Backend, now).unwrap();

    assert_eq!(confirmed.confirmed_by, Some(ConfirmedBy::Backend));
    assert_eq!(confirmed.confirmation, None);
}

#[test]
fn what_was_merged_keeps_neither_tokens_nor_consent() {
    let (now, (grant, consent)) = (Timestamp::UNIX_EPOCH, given("data:telemetry"));
    let claimed = begun().claim("state".into(), now).unwrap();
    let waits = claimed.await_confirmation(grant, None, None, consent, confirmation(), now);

    let merged = waits.unwrap().merge_into(EnrollmentId::random(), now).unwrap();

    assert_eq!(merged.status, Status::Merged);
    assert!(merged.grant.is_none() && merged.consent.is_none() && merged.confirmation.is_none());
}
