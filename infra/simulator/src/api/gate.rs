//! The gateway: who calls, whether they may, and how much is left to them.

use axum::{
    extract::RawPathParams,
    http::{HeaderMap, HeaderValue, Uri, header},
    response::Response,
};
use jiff::Timestamp;

use super::{BASE, paging::Paging, refusal::Refusal, scopes::Scopes};
use crate::{
    App,
    cars::{Car, Life, Reporting},
    limits::Standing,
    params::Params,
    time::at_second,
    world::{World, accounts::Address},
};

/// Trips and the like are kept for two months.
const HISTORY: i64 = 60 * 86_400;

/// What kind of document an operation makes.
#[derive(Clone, Copy)]
pub(super) enum Media {
    Hal,
    GeoJson,
}

/// A call that came through the gateway.
pub(super) struct Call<'a> {
    pub(super) world: &'a World,
    /// The API's base address, for links.
    pub(super) base: String,
    /// The address called, without base and query.
    pub(super) path: String,
    pub(super) params: Params,
    pub(super) paging: Paging,
    pub(super) account: String,
    pub(super) scopes: Scopes,
    ids: Vec<(String, String)>,
}

/// The car that a call is about, as its caller sees it.
pub(super) struct Seen {
    pub(super) car: Car,
    /// Nothing before this is theirs to see.
    pub(super) since: Timestamp,
    /// The id by which they called it.
    pub(super) id: String,
    seed: u64,
}

impl Media {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hal => "application/hal+json",
            Self::GeoJson => "application/vnd.geo+json",
        }
    }

    /// RFC 9110 §12.5.1, without weights: no header accepts all.
    fn acceptable(self, headers: &HeaderMap) -> bool {
        let mut accepts = headers.get_all(header::ACCEPT).iter().peekable();
        accepts.peek().is_none()
            || accepts.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(',')).any(
                |range| {
                    let range = range.split(';').next().unwrap_or_default().trim();
                    [self.name(), "*/*", "application/*"].contains(&range)
                },
            )
    }
}

/// Lets a call through to its operation, or refuses it; either way says what is left.
pub(super) fn pass(
    app: &App,
    uri: &Uri,
    ids: &RawPathParams,
    query: &str,
    headers: &HeaderMap,
    media: Media,
    handler: impl FnOnce(&Call<'_>) -> Result<Response, Refusal>,
) -> Response {
    let params = Params::joined(query.as_bytes());
    // What came before is judged by what was true before, and shows in what is read now.
    app.world.follow();
    limited(app, &params, || {
        strict(query)?;
        let call = enter(app, uri, ids, params.clone(), headers)?;
        if !media.acceptable(headers) {
            return Err(Refusal::NotAcceptable);
        }
        handler(&call)
    })
}

/// An array is one parameter for each item (`explode`, the description's default), not a list.
fn strict(query: &str) -> Result<(), Refusal> {
    let listed = url::form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "extension" && value.contains(','));
    if listed { Err(Refusal::Array("extension")) } else { Ok(()) }
}

/// Client id and rate limits, which are the gateway's for both APIs.
pub(super) fn limited(
    app: &App,
    params: &Params,
    work: impl FnOnce() -> Result<Response, Refusal>,
) -> Response {
    let now = app.world.now();
    if params.get("client_id") != Some(app.world.registration().client_id.as_str()) {
        return Refusal::UnknownClient.answer(now);
    }
    let standing = app.world.admit();
    let mut response = match standing.wait {
        Some(seconds) => Refusal::TooMany { seconds }.answer(now),
        None => work().unwrap_or_else(|refusal| refusal.answer(now)),
    };
    tell(app, &mut response, standing);
    response
}

fn tell(app: &App, response: &mut Response, standing: Standing) {
    let settings = app.world.settings();
    let headers = response.headers_mut();
    for (name, value) in [
        ("x-ratelimit-limit-1", settings.rate_limit_day),
        ("x-ratelimit-remaining-1", standing.remaining_day),
        ("x-ratelimit-limit-2", settings.rate_limit_burst),
        ("x-ratelimit-remaining-2", standing.remaining_burst),
    ] {
        headers.insert(name, HeaderValue::from(value));
    }
}

fn enter<'a>(
    app: &'a App,
    uri: &Uri,
    ids: &RawPathParams,
    params: Params,
    headers: &HeaderMap,
) -> Result<Call<'a>, Refusal> {
    let world = &app.world;
    let token = bearer(headers).ok_or(Refusal::Token)?;
    let realm = headers.get("x-introspect-realm").map(HeaderValue::as_bytes);
    let (account, scopes) = world
        .look(|state| {
            let grant = state.introspect(token, world.now())?;
            (realm == Some(grant.brand.realm().as_bytes()))
                .then(|| (grant.account.clone(), grant.scopes.clone()))
        })
        .ok_or(Refusal::Token)?;
    let path = uri.path().strip_prefix(BASE).unwrap_or_default().to_owned();
    let (params, paging) = Paging::read(world, &account, &path, params)?;
    Ok(Call {
        world,
        base: format!("{}{BASE}", app.origin),
        path,
        params,
        paging,
        account,
        scopes: Scopes(scopes),
        ids: ids.iter().map(|(name, id)| (name.to_owned(), id.to_owned())).collect(),
    })
}

/// The token of an `Authorization: Bearer` header (RFC 6750 §2.1), and of no other place.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl<'a> Call<'a> {
    /// A look at a car that nobody asked for by HTTP: what a notification carries along.
    pub(super) fn within(
        world: &'a World,
        account: &str,
        scopes: Vec<String>,
        vehicle: &str,
        query: &str,
        as_of: Timestamp,
    ) -> Self {
        Self {
            world,
            base: format!("{}{BASE}", world.origin()),
            path: String::new(),
            params: Params::joined(query.as_bytes()),
            paging: Paging::first(as_of),
            account: account.to_owned(),
            scopes: Scopes(scopes),
            ids: vec![("id".to_owned(), vehicle.to_owned())],
        }
    }
}

impl Call<'_> {
    /// A part of the address, such as `id` or `tid`.
    pub(super) fn id(&self, name: &str) -> Option<&str> {
        self.ids.iter().find(|(known, _)| known == name).map(|(_, id)| id.as_str())
    }

    /// When the answer is of: now, or when the first page was asked for.
    pub(super) fn as_of(&self) -> Timestamp {
        self.paging.as_of
    }

    /// Refuses unless the scope, or some part of it, was granted.
    pub(super) fn require(&self, scope: &str) -> Result<(), Refusal> {
        if self.scopes.allow_some_of(scope) { Ok(()) } else { Err(Refusal::Scope) }
    }

    /// The car in the address.
    pub(super) fn seen(&self) -> Result<Seen, Refusal> {
        let id = self.id("id").unwrap_or_default();
        let (seed, now) = (self.world.seed(), self.world.now());
        let (car, since) =
            self.world.look(|state| match state.address(seed, now, &self.account, id) {
                Address::Own(car, since) => Ok((car.clone(), since)),
                Address::Foreign => Err(Refusal::Foreign),
                Address::Unknown => Err(Refusal::Unknown),
            })?;
        let oldest = at_second(self.as_of().as_second() - HISTORY);
        let since = since.map_or(oldest, |since| since.max(oldest));
        Ok(Seen { car, since, id: id.to_owned(), seed })
    }
}

impl Seen {
    pub(super) fn life(&self) -> Life<'_> {
        Life::new(self.seed, &self.car)
    }

    /// Refuses a car that never sent anything.
    pub(super) fn reporting(self) -> Result<Self, Refusal> {
        if self.car.reporting == Reporting::Live { Ok(self) } else { Err(Refusal::NoData) }
    }

    /// The list, or nothing for a car that never sent anything and says so by empty answers.
    pub(super) fn list<T>(
        &self,
        items: impl FnOnce(&Life<'_>) -> Vec<T>,
    ) -> Result<Vec<T>, Refusal> {
        match self.car.reporting {
            Reporting::Live => Ok(items(&self.life())),
            Reporting::NeverEmpty => Ok(Vec::new()),
            Reporting::NeverMissing => Err(Refusal::NoData),
        }
    }

    /// Whether its positions may be shown at all.
    pub(super) fn is_located(&self) -> bool {
        self.car.privacy == crate::cars::Privacy::None
    }
}
