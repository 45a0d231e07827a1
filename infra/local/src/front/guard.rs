//! Loopback is not a boundary: any page in a browser can reach a port here, so names are checked.

use std::net::SocketAddr;

use axum::http::{HeaderMap, header};

/// The names a listener answers to.
#[derive(Debug, Clone)]
pub(crate) struct Names(Vec<String>);

impl Names {
    /// The listener's own address.
    pub(crate) fn of(addr: SocketAddr) -> Self {
        Self(vec![addr.to_string(), format!("localhost:{}", addr.port())])
    }

    /// Also the host by which the world reaches it, through whatever stands before.
    pub(crate) fn and(mut self, host: Option<String>) -> Self {
        self.0.extend(host);
        self
    }

    /// One `Host`, and one of ours: against DNS rebinding.
    pub(crate) fn addressed(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        let own = hosts.next().is_some_and(|host| {
            self.0.iter().any(|name| name.as_bytes().eq_ignore_ascii_case(host.as_bytes()))
        });
        own && hosts.next().is_none()
    }

    /// No `Origin`, or one of ours: a page elsewhere has nothing to ask here.
    pub(crate) fn same_origin(&self, headers: &HeaderMap) -> bool {
        headers.get_all(header::ORIGIN).iter().all(|origin| {
            let host = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            host.is_some_and(|(_, host)| self.0.iter().any(|name| name.eq_ignore_ascii_case(host)))
        })
    }
}
