//! Every operation, named once: the router serves it, and the description tells of it. What
//! describes is reachable from the description alone, so that a deployed function carries none of
//! it.

use std::sync::Arc;

use axum::{
    Router,
    handler::Handler,
    routing::{MethodFilter, on},
};
use shared::App;
use utoipa::{
    OpenApi, Path,
    openapi::{self, HttpMethod},
};

use crate::{
    audit, auth::Bearer, begin, confirm, control, eligibility, enrollments, erase, error::Problems,
    export, history, monitors, quarantine, refresh, remotes, vehicles, webhooks,
};

/// Beside every operation, `utoipa` has put a type that knows its path and methods.
macro_rules! operations {
    ($($module:ident::$name:ident,)*) => {
        #[derive(OpenApi)]
        #[openapi(
            paths($($module::$name),*),
            info(
                title = "accessing-party",
                description = "Connect drivers' Peugeot, Citroën, DS, Opel and Vauxhall accounts and read their cars."
            ),
            modifiers(&Bearer, &Problems),
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
                $(let router = serve::<$module::[<__path_ $name>], _>(router, $module::$name);)*
            }
            router
        }
    };
}

operations! {
    begin::post, enrollments::list, enrollments::get, erase::delete, erase::progress,
    confirm::post, export::get,
    vehicles::find, vehicles::list, vehicles::get, refresh::post,
    history::observations, history::alerts, history::trips,
    remotes::post, remotes::list, remotes::get, audit::remotes,
    eligibility::get,
    monitors::post, monitors::list, monitors::get, monitors::put, monitors::delete,
    monitors::vehicles, monitors::of_vehicle,
    quarantine::list, quarantine::replay,
    control::get, control::put,
    webhooks::post, webhooks::list, webhooks::get, webhooks::patch, webhooks::delete,
    webhooks::rotate, webhooks::test, webhooks::retry, webhooks::attempts, webhooks::deliveries,
    webhooks::replay,
}

pub(crate) fn description() -> openapi::OpenApi {
    Document::openapi()
}

fn serve<P: Path, T: 'static>(
    router: Router<Arc<App>>,
    handler: impl Handler<T, Arc<App>>,
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
    router.route(&P::path(), on(methods, handler))
}
