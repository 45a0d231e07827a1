//! A running maker with a clock in the hand, and a client that does as it is told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Method, RequestBuilder, Response, header};
use serde_json::{Value, json};
use simulator::{Brand, Options, Simulator, consent_request, start};
use url::{Url, form_urlencoded};

pub(crate) const REDIRECT: &str = "http://127.0.0.1:8080/callback/peugeot";
/// RFC 7636, appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
pub(crate) const EVERYTHING: &str = "openid profile email data:telemetry data:position data:trip \
                                     data:alert data:collision";
/// With every remote too.
pub(crate) const REMOTES: &str = "openid data:telemetry data:position data:trip data:alert \
                                  remote:door:write remote:preconditioning:write \
                                  remote:horn:write remote:charging:write remote:lights:write \
                                  remote:wakeup:write remote:navigation:write";
pub(crate) const SECRET: &str = "a secret, with: signs";
pub(crate) const CONTROL: &str = "control-token";

pub(crate) struct Maker {
    pub(crate) simulator: Simulator,
    pub(crate) http: Client,
    pub(crate) client_id: String,
    now: Arc<Mutex<Timestamp>>,
}

/// What a call brought back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// A parameter of the address to which it redirects.
    pub(crate) fn sent(&self, name: &str) -> Option<String> {
        let location = Url::parse(self.header("location")).ok()?;
        location.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }
}

/// A string field.
pub(crate) fn field(json: &Value, name: &str) -> String {
    json[name].as_str().unwrap_or_else(|| panic!("no {name}")).to_owned()
}

pub(crate) fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

impl Maker {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| ()).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Options)) -> Self {
        let now = Arc::new(Mutex::new("2026-03-04T12:00:00Z".parse::<Timestamp>().unwrap()));
        let clock = Arc::clone(&now);
        let mut options = Options::new(Arc::new(move || *clock.lock().unwrap()));
        SECRET.clone_into(&mut options.client_secret);
        CONTROL.clone_into(&mut options.control_token);
        options.redirect_uris = vec![REDIRECT.to_owned()];
        change(&mut options);
        let client_id = options.client_id.clone();
        let http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self { simulator: start(options).await.unwrap(), http, client_id, now }
    }

    pub(crate) fn advance(&self, duration: Duration) {
        let mut now = self.now.lock().unwrap();
        *now += SignedDuration::try_from(duration).unwrap();
    }

    pub(crate) fn set_time(&self, time: Timestamp) {
        *self.now.lock().unwrap() = time;
    }

    pub(crate) fn idp(&self, brand: Brand, path: &str) -> String {
        self.simulator.idp_url().replace("{brand}", brand.slug()) + "/am/oauth2" + path
    }

    pub(crate) async fn get(&self, url: &str) -> Reply {
        Reply::read(self.http.get(url).send().await.unwrap()).await
    }

    /// The authorize page for a request like ours, with some parameters set otherwise (or, being
    /// empty, left out).
    pub(crate) async fn authorize(&self, brand: Brand, other: &[(&str, &str)]) -> Reply {
        let mut pairs = vec![
            ("client_id", self.client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", EVERYTHING),
            ("state", "the state & more"),
            ("nonce", "the nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        pairs.retain(|(name, _)| !other.iter().any(|(changed, _)| changed == name));
        pairs.extend(other.iter().filter(|(_, value)| !value.is_empty()));
        self.get(&format!("{}?{}", self.idp(brand, "/authorize"), encode(&pairs))).await
    }

    /// Presses a button of the page.
    pub(crate) async fn press(&self, page: &Reply, account: &str, decision: &str) -> Reply {
        let request = consent_request(&page.text).expect("a consent page").to_owned();
        let brand: Brand = account.split('-').next().unwrap().parse().unwrap();
        let form = [("request", request.as_str()), ("account", account), ("decision", decision)];
        self.post(&self.idp(brand, "/consent"), &form).await
    }

    pub(crate) async fn post(&self, url: &str, form: &[(&str, &str)]) -> Reply {
        let request = self
            .http
            .post(url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(encode(form));
        Reply::read(request.send().await.unwrap()).await
    }

    /// A code for the account.
    pub(crate) async fn code(&self, account: &str, scopes: &str) -> String {
        let brand: Brand = account.split('-').next().unwrap().parse().unwrap();
        let page = self.authorize(brand, &[("scope", scopes)]).await;
        self.press(&page, account, "accept").await.sent("code").expect("a code")
    }

    /// Posts as our client, authenticated.
    pub(crate) async fn client_post(&self, url: &str, form: &[(&str, &str)]) -> Reply {
        let id: String = form_urlencoded::byte_serialize(self.client_id.as_bytes()).collect();
        let secret: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
        let basic = BASE64.encode(format!("{id}:{secret}").as_bytes());
        let request = self
            .http
            .post(url)
            .header(header::AUTHORIZATION, format!("Basic {basic}"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(encode(form));
        Reply::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn exchange(&self, brand: Brand, code: &str) -> Reply {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.client_post(&self.idp(brand, "/access_token"), &form).await
    }

    pub(crate) async fn renew(&self, brand: Brand, refresh_token: &str) -> Reply {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        let url = format!("{}?realm={}", self.idp(brand, "/access_token"), brand.realm());
        self.client_post(&url, &form).await
    }

    /// The token answer for a fresh consent.
    pub(crate) async fn tokens(&self, account: &str, scopes: &str) -> Value {
        let brand: Brand = account.split('-').next().unwrap().parse().unwrap();
        let code = self.code(account, scopes).await;
        self.exchange(brand, &code).await.json()
    }

    pub(crate) async fn access(&self, account: &str, scopes: &str) -> Session<'_> {
        let tokens = self.tokens(account, scopes).await;
        let brand = account.split('-').next().unwrap().parse().unwrap();
        Session { maker: self, brand, token: field(&tokens, "access_token") }
    }
}

/// A client with an access token.
pub(crate) struct Session<'a> {
    pub(crate) maker: &'a Maker,
    pub(crate) brand: Brand,
    pub(crate) token: String,
}

impl Session<'_> {
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.get_as(path, "application/hal+json").await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Reply {
        self.call(&format!("{}{path}", self.maker.simulator.api_url()), accept).await
    }

    /// Calls a whole address, as from a link, adding the client id.
    pub(crate) async fn call(&self, address: &str, accept: &str) -> Reply {
        let mut url = Url::parse(address).unwrap();
        url.query_pairs_mut().append_pair("client_id", &self.maker.client_id);
        let request = self
            .maker
            .http
            .get(url.as_str())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header("x-introspect-realm", self.brand.realm())
            .header(header::ACCEPT, accept);
        Reply::read(request.send().await.unwrap()).await
    }

    /// The id of the account's first car.
    pub(crate) async fn car(&self) -> String {
        field(&self.get("/user/vehicles").await.json()["_embedded"]["vehicles"][0], "id")
    }
}

/// Writing.
impl Session<'_> {
    /// A call with a JSON body, or with none for `null`.
    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Reply {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.send_text(method, path, "application/json", text).await
    }

    pub(crate) async fn send_text(
        &self,
        method: Method,
        path: &str,
        media: &str,
        body: String,
    ) -> Reply {
        Reply::read(self.request(method, path, media, body).send().await.unwrap()).await
    }

    pub(crate) fn request(
        &self,
        method: Method,
        path: &str,
        media: &str,
        body: String,
    ) -> RequestBuilder {
        let mut url = Url::parse(&format!("{}{path}", self.maker.simulator.api_url())).unwrap();
        url.query_pairs_mut().append_pair("client_id", &self.maker.client_id);
        self.maker
            .http
            .request(method, url.as_str())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header("x-introspect-realm", self.brand.realm())
            .header(header::ACCEPT, "application/hal+json")
            .header(header::CONTENT_TYPE, media)
            .body(body)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::POST, path, body).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Reply {
        self.send(Method::PUT, path, body).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.send(Method::DELETE, path, &Value::Null).await
    }

    /// A callback to this target; its id.
    pub(crate) async fn subscribe(&self, target: &str) -> String {
        let reply = self.post("/user/callbacks", &callback(target)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        field(&reply.json(), "callbackId")
    }

    /// A monitor of the account's first car; its address.
    pub(crate) async fn watch(&self, callback: &str, monitor: &Value) -> String {
        let path = format!("/user/vehicles/{}/callbacks/{callback}/monitors", self.car().await);
        let reply = self.post(&path, monitor).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        format!("{path}/{}", field(&reply.json(), "monitorId"))
    }

    /// A remote for the account's first car; its address.
    pub(crate) async fn remote(&self, callback: &str, body: &Value) -> String {
        let path = format!("/user/vehicles/{}/callbacks/{callback}/remotes", self.car().await);
        let reply = self.post(&path, body).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        format!("{path}/{}", field(&reply.json(), "remoteActionId"))
    }
}

/// A callback with an attribute in every place.
pub(crate) fn callback(target: &str) -> Value {
    json!({
        "label": "everything",
        "type": ["Monitor", "Remote"],
        "callback": {"webhook": {"name": "hook", "target": target, "attributes": [
            {"type": "Body", "key": "vin", "value": "$vin"},
            {"type": "Body", "key": "secret", "value": "s3cret"},
            {"type": "Header", "key": "X-Callback", "value": "$CallbackLabel"},
            {"type": "Query", "key": "monitor", "value": "$monitorid"},
        ]}},
    })
}

/// A monitor of one trigger.
pub(crate) fn monitor(trigger: Value) -> Value {
    let mut trigger = trigger;
    trigger["name"] = json!("t");
    json!({"label": "a rule", "triggerParam": {"triggers": [trigger], "boolExp": "t"}})
}

/// A monitor of one datum.
pub(crate) fn data(data: &str, op: &str, values: &[&str]) -> Value {
    let mut trigger = json!({"data": {"data": data, "op": op}});
    if !values.is_empty() {
        trigger["data"]["value"] = json!(values);
    }
    monitor(trigger)
}
