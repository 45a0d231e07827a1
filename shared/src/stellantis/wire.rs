//! The maker's documents, as lenient as can be: every field may be missing, a field of a wrong
//! type counts as missing, unknown ones are ignored, old and new names are both read. The
//! `OpenAPI` file is the authority on names; what it misspells is misspelt here, and only here.
//!
//! Documents are read from a JSON value and not through `serde`, so that one odd field never
//! costs the others. No type here has `Debug`: they hold VINs, positions and e-mail addresses.

mod account;
mod energy;
mod events;
mod notification;
mod read;
mod remotes;
mod status;
mod subscriptions;
mod time;

use serde_json::Value;

use self::read::document;
pub(crate) use self::{
    account::*,
    energy::*,
    events::*,
    notification::*,
    read::{Id, Read, Word},
    remotes::*,
    status::*,
    subscriptions::*,
    time::Stamp,
};

document! {
    /// A page of a collection (HAL).
    Page {
        links: Links = "_links",
        embedded: Value = "_embedded",
        total: f64 = "total",
    }

    /// A page's links; only the next one matters.
    Links {
        next: Link = "next",
    }

    /// A link. Data: never followed, only read for its paging parameters.
    Link {
        href: String = "href",
    }

    /// An error, in any of the four shapes.
    Problem {
        code: f64 = "code" | "httpCode",
        uuid: String = "uuid",
        timestamp: String = "timestamp",
        message: String = "message" | "httpMessage",
        more: String = "moreInformation",
    }
}

impl Page {
    /// The items under any of these names; those that can't be read are left out.
    pub(crate) fn items<T: Read>(&self, names: &[&str]) -> Vec<T> {
        self.found(names).and_then(Read::read).unwrap_or_default()
    }

    /// How many items there are under any of these names, whether they can be read or not.
    pub(crate) fn count(&self, names: &[&str]) -> usize {
        match self.found(names) {
            Some(Value::Array(items)) => items.iter().filter(|item| !item.is_null()).count(),
            None | Some(Value::Null) => 0,
            Some(_) => 1,
        }
    }

    fn found(&self, names: &[&str]) -> Option<&Value> {
        let embedded = self.embedded.as_ref().and_then(Value::as_object);
        embedded.and_then(|map| names.iter().find_map(|name| map.get(*name)))
    }
}
