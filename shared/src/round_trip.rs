//! What travels with a browser: the ticket in a login link, and the cookie of a login under way.
//! Both are sealed, so that neither `api` nor `login` need a database for them.

mod account_label;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use url::Url;

pub use self::account_label::AccountLabel;
use crate::{
    domain::{
        brand::Brand,
        enrollment::{UserRef, sha256},
        ids::EnrollmentId,
        scope,
    },
    random,
    seal::{KeyRing, Purpose},
    secrets::{SecretError, Secrets},
};

/// How long a login may take, from our redirect to the maker's.
pub const LOGIN_WITHIN: SignedDuration = SignedDuration::from_mins(30);
/// The longest sealed text that is looked at.
const LONGEST: usize = 2048;
/// The longest `return_to`, in bytes: all else in a ticket being bounded, the cookie of its login
/// stays below 1 KiB. The newest four go with every request.
pub const LONGEST_RETURN_TO: usize = 400;

/// Who vouches that the browser is the right user's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ConfirmBy)]
pub enum Confirm {
    /// The operator's backend, from the session of the browser that came back to `return_to`.
    Session,
    /// A page of ours, which names the operator and asks: for links in a mail or a QR code.
    Page,
    /// Nobody: open mode.
    None,
}

/// A login link of the operator's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Which enrollment it begins.
    #[serde(rename = "e")]
    pub enrollment: EnrollmentId,
    /// Which brand's account.
    #[serde(rename = "b")]
    pub brand: Brand,
    /// What is asked for.
    #[serde(rename = "s", with = "scope::packed")]
    pub scopes: Vec<String>,
    /// The user's language, such as `fr-FR`.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Where the browser goes in the end.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub return_to: Option<String>,
    /// Who vouches for the browser.
    #[serde(rename = "c")]
    pub confirm: Confirm,
    /// Which account of the operator's it is for, as our own page says it.
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub account_label: Option<AccountLabel>,
    /// Until when it is good, in epoch seconds.
    #[serde(rename = "x")]
    pub expires: i64,
}

/// That a browser was shown our own page, in its cookie. Only whoever saw the page has the other
/// half, which its button carries: a foreign site can open both addresses, but read neither.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    #[serde(rename = "e")]
    enrollment: EnrollmentId,
    #[serde(rename = "y")]
    yes: String,
}

impl Asked {
    /// For a page that is about to be shown.
    #[must_use]
    pub fn new(enrollment: EnrollmentId) -> Self {
        Self { enrollment, yes: random::token() }
    }

    /// What the button carries.
    #[must_use]
    pub fn yes(&self) -> &str {
        &self.yes
    }

    /// Whether this page's button was pressed, for this very enrollment.
    #[must_use]
    pub fn is_answered(&self, enrollment: &EnrollmentId, yes: &str) -> bool {
        self.enrollment == *enrollment
            && verify_slices_are_equal(self.yes.as_bytes(), yes.as_bytes()).is_ok()
    }
}

/// A login under way, in the browser's cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// SHA-256 of the `state` it belongs to.
    #[serde(rename = "h")]
    pub state_sha256: String,
    /// The PKCE verifier (RFC 7636 §4.1).
    #[serde(rename = "v")]
    pub verifier: String,
    /// What the id token must hold (OIDC Core §3.1.3.7, 11).
    #[serde(rename = "n")]
    pub nonce: String,
    /// Until when the browser may come back, in epoch seconds.
    #[serde(rename = "x")]
    pub expires: i64,
    /// What it is for.
    #[serde(rename = "t")]
    pub ticket: Ticket,
}

impl Attempt {
    /// A login that departs: all of its ticket that is of use when the browser comes back.
    #[must_use]
    pub fn new(
        state: &str,
        verifier: String,
        nonce: String,
        ticket: Ticket,
        now: Timestamp,
    ) -> Self {
        Self {
            state_sha256: state_sha256(state),
            verifier,
            nonce,
            expires: (now + LOGIN_WITHIN).as_second(),
            ticket: Ticket { locale: None, account_label: None, ..ticket },
        }
    }

    /// What its cookie is found by among others of the same browser: no secret.
    #[must_use]
    pub fn name(&self) -> &str {
        self.state_sha256.get(..NAMED_BY).unwrap_or_default()
    }

    /// The one-time value that the operator's backend posts to confirm. It follows from what only
    /// this browser's sealed cookie holds, so a callback that comes twice tells the same one.
    #[must_use]
    pub fn confirmation(&self) -> String {
        sha256(&["confirmation", &self.verifier, &self.nonce])
    }

    /// Whose enrollment it creates when there was no ticket.
    #[must_use]
    pub fn open_user(&self) -> Option<UserRef> {
        (self.ticket.confirm == Confirm::None).then(UserRef::open)
    }
}

/// The operator's address with what became of a login. `None`: it is no address.
#[must_use]
pub fn returned(return_to: &str, outcome: &str, enrollment: &EnrollmentId) -> Option<Url> {
    let mut url = Url::parse(return_to).ok()?;
    let mut query = url.query_pairs_mut();
    query.append_pair("outcome", outcome).append_pair("enrollment", enrollment.as_str());
    drop(query);
    Some(url)
}

/// Whether a text is a language as the maker takes it: `fr` or `fr-FR`.
#[must_use]
pub fn is_locale(text: &str) -> bool {
    matches!(text.len(), 2 | 5)
        && text.bytes().enumerate().all(|(at, b)| match at {
            0 | 1 => b.is_ascii_lowercase(),
            2 => b == b'-',
            _ => b.is_ascii_uppercase(),
        })
}

/// SHA-256 of a confirmation: what is stored and compared.
#[must_use]
pub fn confirmation_sha256(confirmation: &str) -> String {
    sha256(&["confirmed", confirmation])
}

/// SHA-256 of a `state`: what is stored and compared.
#[must_use]
pub fn state_sha256(state: &str) -> String {
    sha256(&["state", state])
}

/// Seals into text that fits a URL or a cookie.
#[must_use]
pub fn seal<T: Serialize>(ring: &KeyRing, purpose: Purpose<'_>, value: &T) -> String {
    let plain = serde_json::to_vec(value).unwrap_or_default();
    BASE64URL_NOPAD.encode(&ring.seal(purpose, &plain))
}

/// Opens such a text. `None`: forged, cut short, of another purpose, or not readable.
///
/// # Errors
/// When the ring can't be read; never for what the text is.
pub async fn open<T: DeserializeOwned>(
    secrets: &Secrets,
    purpose: Purpose<'_>,
    sealed: &str,
) -> Result<Option<T>, SecretError> {
    let bytes = Some(sealed).filter(|text| text.len() <= LONGEST);
    let Some(bytes) = bytes.and_then(|text| BASE64URL_NOPAD.decode(text.as_bytes()).ok()) else {
        return Ok(None);
    };
    match secrets.open_edge(purpose, &bytes).await {
        Ok(plain) => Ok(serde_json::from_slice(&plain).ok()),
        Err(SecretError::Open(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The names of our cookies. `__Host-` binds one to this host and https (RFC 6265bis §4.1.3.2).
#[derive(Debug, Clone, Copy)]
pub struct Cookies {
    https: bool,
}

/// How much of the hash of its `state` names a login among those of one browser.
const NAMED_BY: usize = 16;
/// How many logins one browser may have under way: the gateway refuses over 10 KiB of headers.
const KEPT: usize = 4;

impl Cookies {
    /// For a site reached by https or not.
    #[must_use]
    pub const fn new(https: bool) -> Self {
        Self { https }
    }

    fn prefix(self) -> &'static str {
        if self.https { "__Host-ap_" } else { "ap_" }
    }

    fn attributes(self) -> &'static str {
        if self.https {
            "Path=/; Secure; HttpOnly; SameSite=Lax"
        } else {
            "Path=/; HttpOnly; SameSite=Lax"
        }
    }

    /// The name for a state; times sort as text, so the newest can be told.
    fn name(self, state_sha256: &str, now: Timestamp) -> String {
        format!("{}{:010x}_{}", self.prefix(), now.as_second(), &state_sha256[..NAMED_BY])
    }

    /// `Set-Cookie` values for a new login: itself, and the end of the oldest ones.
    #[must_use]
    pub fn begin(self, sent: &str, state_sha256: &str, value: &str, now: Timestamp) -> Vec<String> {
        let seconds = LOGIN_WITHIN.as_secs();
        let name = self.name(state_sha256, now);
        let mut values = vec![format!("{name}={value}; Max-Age={seconds}; {}", self.attributes())];
        let mut old: Vec<_> = self.ours(sent).map(|(name, _)| name).collect();
        old.sort_unstable();
        let surplus = (old.len() + 1).saturating_sub(KEPT);
        values.extend(old.into_iter().take(surplus).map(|name| self.end(name)));
        values
    }

    /// The cookie of a login by its [`name`](Attempt::name).
    #[must_use]
    pub fn find<'a>(self, sent: &'a str, login: &str) -> Option<&'a str> {
        let mut ours = self.ours(sent).filter(|_| login.len() == NAMED_BY);
        ours.find(|(name, _)| name.ends_with(login)).map(|(_, value)| value)
    }

    /// The `Set-Cookie` value that removes one.
    #[must_use]
    pub fn end(self, name: &str) -> String {
        format!("{name}=; Max-Age=0; {}", self.attributes())
    }

    /// The `Set-Cookie` value that remembers which page of ours was shown.
    #[must_use]
    pub fn asked(self, value: &str) -> String {
        format!("{}={value}; Max-Age=600; {}", self.asked_name(), self.attributes())
    }

    /// What that cookie holds.
    #[must_use]
    pub fn find_asked(self, sent: &str) -> Option<&str> {
        let name = self.asked_name();
        pairs(sent).find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    fn asked_name(self) -> String {
        format!("{}asked", self.prefix())
    }

    fn ours(self, sent: &str) -> impl Iterator<Item = (&str, &str)> {
        pairs(sent).filter(move |(name, _)| {
            name.strip_prefix(self.prefix()).is_some_and(|rest| rest.len() == 27)
        })
    }
}

fn pairs(sent: &str) -> impl Iterator<Item = (&str, &str)> {
    sent.split(';').filter_map(|pair| pair.trim().split_once('='))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn four_logins_of_one_browser_are_kept_and_the_oldest_ends() {
        let cookies = Cookies::new(true);
        let mut sent = String::new();
        for second in 1..=5 {
            let state = state_sha256(&second.to_string());
            let values = cookies.begin(&sent, &state, "v", at(second));
            let ended = values.iter().filter(|cookie| cookie.contains("Max-Age=0")).count();
            assert_eq!(ended, usize::from(second == 5), "login {second}");
            sent = format!("{sent}{}; ", values[0].split(';').next().unwrap());
        }
    }

    #[test]
    fn a_locale_is_a_language_with_or_without_a_country() {
        assert!(is_locale("fr") && is_locale("en-GB"));
        assert!(!["", "FR", "fr-fr", "fr_FR", "fr-F", "é"].into_iter().any(is_locale));
    }

    #[test]
    fn the_largest_login_fits_a_cookie_of_a_kibibyte_and_its_link_what_is_looked_at() {
        let ring =
            json!({"primary": "k".repeat(32), "keys": {"k".repeat(32): "A".repeat(43) + "="}});
        let ring: KeyRing = serde_json::from_value(ring).unwrap();
        let ticket = Ticket {
            enrollment: EnrollmentId::random(),
            brand: Brand::Vauxhall,
            scopes: scope::KNOWN.map(str::to_owned).to_vec(),
            locale: Some("en-GB".into()),
            return_to: Some("x".repeat(LONGEST_RETURN_TO)),
            confirm: Confirm::Session,
            account_label: Some("\u{1f697}".repeat(80).parse().unwrap()),
            expires: 9_999_999_999,
        };
        let [state, verifier, nonce] = [(); 3].map(|()| random::token());

        let link = seal(&ring, Purpose::Ticket, &ticket);
        let attempt = Attempt::new(&state, verifier, nonce, ticket, at(9_999_999_999));
        let cookie = seal(&ring, Purpose::Login, &attempt);

        assert!(link.len() <= LONGEST, "{}", link.len());
        assert!(cookie.len() <= 1024, "{}", cookie.len());
    }

    #[test]
    fn a_login_is_found_by_its_state_alone() {
        let cookies = Cookies::new(false);
        let (mine, other) = (state_sha256("mine"), state_sha256("other"));
        let cookie = cookies.begin("", &mine, "sealed", at(1)).remove(0);
        let sent = format!("theme=dark; {}", cookie.split(';').next().unwrap());

        assert_eq!(cookies.find(&sent, &mine[..NAMED_BY]), Some("sealed"));
        assert_eq!(cookies.find(&sent, &other[..NAMED_BY]), None);
        assert_eq!(cookies.find(&sent, ""), None, "no name is no login's");
        assert!(Cookies::new(true).find(&sent, &mine[..NAMED_BY]).is_none());
    }
}
