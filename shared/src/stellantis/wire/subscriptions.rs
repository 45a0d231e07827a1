//! Callbacks and monitors, as the maker lists them.

use serde_json::Value;

use super::read::{Id, document};

document! {
    /// `GET /user/callbacks/{id}`, and what a change answers.
    Callback {
        id: Id = "id" | "callbackId",
        label: String = "label",
        status: String = "status",
        subscribe: Subscribe = "subscribe",
    }

    /// What was asked for.
    Subscribe {
        label: String = "label",
        callback: Choice = "callback",
    }

    /// Where a callback leads; only webhooks are ours.
    Choice {
        webhook: Webhook = "webhook",
    }

    /// A webhook.
    Webhook {
        target: String = "target",
    }

    /// `GET …/monitors/{id}`, and what a change answers.
    Monitor {
        id: Id = "monitorId" | "id",
        status: String = "status",
        label: String = "label",
        /// The rule, as it was sent.
        parameter: Value = "monitor",
    }
}
