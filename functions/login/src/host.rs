//! A login begins at our public host, where it comes back to: a cookie of another one (`localhost`
//! instead of `127.0.0.1`, the gateway's own name instead of ours) would not be sent there.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Uri, header},
    middleware::Next,
    response::Response,
};
use shared::App;
use url::Url;

use crate::begin::see_other;

/// Says that a browser was sent to the public host already. A proxy in front of us may write another
/// `Host`, so that it never seems to arrive.
const SENT: &str = "at=public";

/// Sends a browser that came by another host to the public one.
pub(crate) async fn public(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match elsewhere(&app.config.public_url, request.headers(), request.uri()) {
        Some(query) => {
            let mut url = app.config.public_address(request.uri().path());
            url.set_query(Some(&query));
            see_other(url.as_str())
        }
        None => next.run(request).await,
    }
}

/// The query to go on with at the public host, if the browser is not there.
fn elsewhere(public: &Url, headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let here = Url::parse(&format!("{}://{host}", public.scheme())).ok()?;
    let query = uri.query().unwrap_or_default();
    let was_sent = query.split('&').any(|parameter| parameter == SENT);
    let at_home = here.origin() == public.origin();
    (!at_home && !was_sent).then(|| match query {
        "" => SENT.to_owned(),
        query => format!("{query}&{SENT}"),
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn sent(public: &str, host: &'static str, uri: &'static str) -> Option<String> {
        let headers = [(header::HOST, HeaderValue::from_static(host))].into_iter().collect();
        elsewhere(&public.parse().unwrap(), &headers, &Uri::from_static(uri))
    }

    #[test]
    fn a_browser_at_another_host_is_sent_to_the_public_one_once() {
        let local = "http://127.0.0.1:8080";
        let query = sent(local, "localhost:8080", "/login?brand=opel");
        assert_eq!(query.as_deref(), Some("brand=opel&at=public"));
        assert_eq!(sent(local, "localhost:8080", "/login").as_deref(), Some("at=public"));
        assert_eq!(sent(local, "localhost:8080", "/login?brand=opel&at=public"), None);
        assert_eq!(sent(local, "127.0.0.1:8080", "/login?brand=opel"), None);
    }

    #[test]
    fn the_public_host_is_known_with_its_port_and_in_any_case() {
        let public = "https://cars.example.com";
        for host in ["cars.example.com", "Cars.Example.com", "cars.example.com:443"] {
            assert_eq!(sent(public, host, "/start?ticket=x"), None, "{host}");
        }
        assert!(sent(public, "abc.execute-api.eu-central-1.amazonaws.com", "/start").is_some());
        assert_eq!(sent(public, "not a host", "/start"), None);
    }
}
