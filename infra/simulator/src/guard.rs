//! Loopback is not a boundary: any page in a browser can reach it, so names are checked.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// The names this listener answers to.
pub(crate) struct Names {
    hosts: [String; 2],
}

impl Names {
    pub(crate) fn of(addr: SocketAddr) -> Self {
        Self { hosts: [addr.to_string(), format!("localhost:{}", addr.port())] }
    }

    /// Its own `Host` (against DNS rebinding), and no `Origin` but its own (against other pages).
    fn admit(&self, headers: &HeaderMap) -> bool {
        let own = |name: &[u8]| self.hosts.iter().any(|host| host.as_bytes() == name);
        let mut hosts = headers.get_all(header::HOST).iter();
        let hosted =
            hosts.next().is_some_and(|host| own(host.as_bytes())) && hosts.next().is_none();
        let same_origin = headers
            .get_all(header::ORIGIN)
            .iter()
            .all(|origin| origin.as_bytes().strip_prefix(b"http://").is_some_and(own));
        hosted && same_origin
    }
}

pub(crate) async fn admit(
    State(names): State<Arc<Names>>,
    request: Request,
    next: Next,
) -> Response {
    if names.admit(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "this listener answers to its own name and origin only\n")
            .into_response()
    }
}
