//! A driver's browser, as much of it as the round trip needs: a cookie jar, and no redirect that is
//! not looked at. For the journey and for tests.

use std::time::Duration;

use shared::stellantis::{TlsError, tls};
use url::Url;

/// One browser.
#[derive(Debug, Clone)]
pub struct Browser {
    http: reqwest::Client,
    cookies: Vec<Cookie>,
}

#[derive(Debug, Clone)]
struct Cookie {
    /// Ports do not part cookies (RFC 6265 §8.5).
    host: String,
    path: String,
    name: String,
    value: String,
}

/// An answer.
#[derive(Debug)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// Where it leads.
    pub location: Option<Url>,
    /// Its headers.
    pub headers: reqwest::header::HeaderMap,
    /// Its body.
    pub body: String,
}

impl Browser {
    /// With an empty jar.
    ///
    /// # Errors
    /// When TLS can't be set up.
    pub fn new() -> Result<Self, TlsError> {
        let seconds = Duration::from_secs;
        let timeouts = tls::Timeouts { connect: seconds(3), total: seconds(40) };
        Ok(Self {
            http: tls::plain_client("Mozilla/5.0 (a driver)", timeouts)?,
            cookies: Vec::new(),
        })
    }

    /// Opens an address.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn get(&mut self, url: &Url) -> Result<Page, reqwest::Error> {
        self.send(url, self.http.get(url.clone())).await
    }

    /// Presses a button of a form.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(
        &mut self,
        url: &Url,
        fields: &[(&str, &str)],
    ) -> Result<Page, reqwest::Error> {
        let body =
            url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let form =
            self.http.post(url.clone()).header("content-type", "application/x-www-form-urlencoded");
        let form = form.header("origin", url.origin().ascii_serialization()).body(body);
        self.send(url, form).await
    }

    /// The names of the cookies it holds.
    pub fn cookie_names(&self) -> impl Iterator<Item = &str> {
        self.cookies.iter().map(|cookie| cookie.name.as_str())
    }

    async fn send(
        &mut self,
        url: &Url,
        request: reqwest::RequestBuilder,
    ) -> Result<Page, reqwest::Error> {
        let host = url.host_str().unwrap_or_default();
        let fitting = self
            .cookies
            .iter()
            .filter(|cookie| cookie.host == host && below(url.path(), &cookie.path));
        let cookies: Vec<_> =
            fitting.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        let request =
            if cookies.is_empty() { request } else { request.header("cookie", cookies.join("; ")) };
        let answer = request.send().await?;
        let headers = answer.headers().clone();
        for line in headers.get_all("set-cookie").iter().filter_map(|line| line.to_str().ok()) {
            self.keep(host, line);
        }
        let location = headers.get("location").and_then(|location| location.to_str().ok());
        let location = location.and_then(|location| url.join(location).ok());
        Ok(Page { status: answer.status().as_u16(), location, headers, body: answer.text().await? })
    }

    fn keep(&mut self, host: &str, line: &str) {
        let mut parts = line.split(';').map(str::trim);
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let (mut path, mut ended) = ("/", false);
        for part in parts {
            match part.split_once('=').unwrap_or((part, "")) {
                (key, value) if key.eq_ignore_ascii_case("path") => path = value,
                (key, value) if key.eq_ignore_ascii_case("max-age") => {
                    ended = value.starts_with(['0', '-']);
                }
                _ => (),
            }
        }
        self.cookies.retain(|cookie| (cookie.host.as_str(), cookie.name.as_str()) != (host, name));
        if !ended {
            let [host, path, name, value] = [host, path, name, value].map(str::to_owned);
            self.cookies.push(Cookie { host, path, name, value });
        }
    }
}

/// RFC 6265 §5.1.4.
fn below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| prefix.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_kept_replaced_and_ended_as_its_lines_say() {
        let mut browser = Browser::new().unwrap();

        browser.keep("localhost", "one=1; Path=/; HttpOnly");
        browser.keep("localhost", "two=2; Max-Age=600; Path=/callback");
        browser.keep("localhost", "one=3; Path=/");
        browser.keep("localhost", "two=; Max-Age=0; Path=/callback");

        assert_eq!(browser.cookie_names().collect::<Vec<_>>(), ["one"]);
        assert_eq!(browser.cookies[0].value, "3");
        assert!(below("/callback/opel", "/callback") && !below("/callbacks", "/callback"));
    }
}
