//! `POST /{brand}/am/oauth2/token/revoke` (RFC 7009).

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    TokenError,
    client::{ClientCall, client_call},
    json_answer,
};
use crate::{App, faults, operation::Operation};

pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    Path(brand): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    faults::meet(&app, Operation::Revoke, false, || async {
        client_call(&app, &brand, &headers, query.as_deref(), &body)
            .and_then(|call| answer(&app, &call))
            .unwrap_or_else(TokenError::into_response)
    })
    .await
}

/// The portal's table names the field `token`, its example `refresh_token`: both are taken.
fn answer(app: &App, call: &ClientCall) -> Result<Response, TokenError> {
    let params = &call.params;
    let token = params
        .get("token")
        .or_else(|| params.get("refresh_token"))
        .ok_or(TokenError::InvalidRequest)?;
    app.world.change(|state| state.revoke(call.brand, token));
    Ok(json_answer(200, &json!({})))
}
