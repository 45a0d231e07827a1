//! Every operation, named once: the router serves it, and the description tells of it. What
//! describes is reachable from the description alone, so that a deployed function carries none of
//! it.

use std::sync::Arc;

use axum::{
    Extension, Router,
    handler::Handler,
    routing::{MethodFilter, on},
};
use shared::{
    App,
    domain::rule::Trigger,
    http::{GatewayError, Problem},
};
use utoipa::{
    OpenApi, Path,
    openapi::{self, HttpMethod},
};

use crate::{
    audit, auth::Bearer, begin, confirm, control, eligibility, enrollments, erase, export, history,
    monitors, quarantine, query::Parameters, refresh, remotes, vehicles, webhooks,
};

/// Beside every operation, `utoipa` has put a type that knows its path and methods.
macro_rules! operations {
    ($($module:ident::$name:ident [$($parameter:literal),*],)*) => {
        #[derive(OpenApi)]
        #[openapi(
            paths($($module::$name),*),
            info(
                title = "accessing-party",
                description = "Connect drivers' Peugeot, Citroën, DS, Opel and Vauxhall accounts and read their cars."
            ),
            components(schemas(Problem, GatewayError, Trigger)),
            modifiers(&Bearer),
            tags(
                (name = "enrollments", description = "One user's consent for one brand account"),
                (name = "vehicles", description = "What is known of the cars of an enrollment"),
                (name = "monitors", description = "Rules: what to be told of, declared once for many cars"),
                (name = "remotes", description = "Commands to cars"),
                (name = "notifications", description = "What the maker sent and nobody could understand"),
                (name = "webhooks", description = "Where events are posted to, signed"),
                (name = "control", description = "Whether the maker may be called"),
            )
        )]
        struct Document;

        pub(crate) fn router() -> Router<Arc<App>> {
            let router = Router::new();
            pastey::paste! {
                $(
                    let router = serve::<$module::[<__path_ $name>], _>(
                        router,
                        $module::$name,
                        &[$($parameter),*],
                    );
                )*
            }
            router
        }
    };
}

// In brackets, the parameters that its query may have.
operations! {
    begin::post [],
    enrollments::list ["user_ref", "status", "updated_since", "order", "limit", "cursor"],
    enrollments::get [], erase::delete [], erase::progress [], confirm::post [],
    export::get ["limit", "cursor"],
    vehicles::find ["vin", "user_ref", "updated_since", "order", "limit", "cursor"],
    vehicles::list ["limit", "cursor"], vehicles::get [], refresh::post [],
    history::observations ["from", "to", "fields", "order", "limit", "cursor"],
    history::alerts ["from", "to", "order", "limit", "cursor"],
    history::trips ["from", "to", "order", "limit", "cursor"],
    remotes::post [], remotes::list ["limit", "cursor"], remotes::get [],
    audit::remotes ["month", "limit", "cursor"],
    eligibility::get ["brand"],
    monitors::post [], monitors::list ["limit", "cursor"], monitors::get [], monitors::put [],
    monitors::delete [], monitors::vehicles ["limit", "cursor"], monitors::of_vehicle [],
    quarantine::list ["limit", "cursor"], quarantine::replay [],
    control::get [], control::put [],
    webhooks::post [], webhooks::list [], webhooks::get [], webhooks::patch [],
    webhooks::delete [], webhooks::rotate [], webhooks::test [], webhooks::retry [],
    webhooks::attempts [],
    webhooks::deliveries ["state", "limit", "cursor"], webhooks::replay [],
}

pub(crate) fn description() -> openapi::OpenApi {
    Document::openapi()
}

fn serve<P: Path, T: 'static>(
    router: Router<Arc<App>>,
    handler: impl Handler<T, Arc<App>>,
    parameters: &'static [&'static str],
) -> Router<Arc<App>> {
    let methods = P::methods().into_iter().map(|method| match method {
        HttpMethod::Get => MethodFilter::GET,
        HttpMethod::Post => MethodFilter::POST,
        HttpMethod::Put => MethodFilter::PUT,
        HttpMethod::Delete => MethodFilter::DELETE,
        HttpMethod::Options => MethodFilter::OPTIONS,
        HttpMethod::Head => MethodFilter::HEAD,
        HttpMethod::Patch => MethodFilter::PATCH,
        HttpMethod::Trace => MethodFilter::TRACE,
    });
    let Some(methods) = methods.reduce(MethodFilter::or) else { return router };
    router.route(&P::path(), on(methods, handler).layer(Extension(Parameters(parameters))))
}
