//! Lists of enrollments: of one user, or all of them in the order in which they were changed.
//!
//! The index `changed` has a partition for each status, sorted by time. A list of all enrollments
//! asks each of the ten for its next keys and merges them: ten small queries a page and no scan,
//! however many enrollments there are.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Error, Item, Store, as_number, enrollments, number, text};
use crate::{
    aws::AwsError,
    domain::enrollment::{Enrollment, Status, UserRef},
};

/// What to list enrollments by.
#[derive(Debug, Clone)]
pub enum ListBy {
    /// The operator's user.
    User(UserRef),
    /// Where they stand, those first that have stood so longest.
    Status(Status),
    /// When they were changed.
    Changed(Changed),
}

/// Which enrollments, and in which order.
#[derive(Debug, Clone, Copy, Default)]
pub struct Changed {
    /// Where they stand; anywhere, if not given.
    pub status: Option<Status>,
    /// Those that were changed then or later.
    pub since: Option<Timestamp>,
    /// From which end.
    pub order: Order,
}

/// From which end a list begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Oldest first.
    #[default]
    Asc,
    /// Newest first.
    Desc,
}

/// The text names no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected asc or desc")]
pub struct UnknownOrder;

impl std::str::FromStr for Order {
    type Err = UnknownOrder;

    fn from_str(text: &str) -> Result<Self, UnknownOrder> {
        match text {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            _ => Err(UnknownOrder),
        }
    }
}

impl Order {
    /// As a query has it.
    pub(super) fn is_forward(self) -> bool {
        self == Self::Asc
    }
}

impl ListBy {
    fn matches(&self, enrollment: &Enrollment) -> bool {
        match self {
            Self::User(user) => enrollment.user_ref.as_ref() == Some(user),
            Self::Status(status) => enrollment.status == *status,
            Self::Changed(changed) => {
                changed.status.is_none_or(|status| enrollment.status == status)
                    && changed.since.is_none_or(|since| enrollment.updated_at >= since)
            }
        }
    }
}

/// A key of the index `changed`, within a status: they sort as the index does.
type Place = (i64, String);

/// Up to where a list was given, status by status.
type Reached = BTreeMap<String, Place>;

/// The next keys of one status.
struct Part {
    status: Status,
    places: Vec<Place>,
    /// Where the query ended, if there is more.
    ended: Option<Place>,
}

impl Store {
    /// A page of enrollments: by index, then read consistently. `after` is what the page before
    /// gave.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list_enrollments(
        &self,
        by: &ListBy,
        after: Option<String>,
        limit: i32,
        now: Timestamp,
    ) -> Result<(Vec<Enrollment>, Option<String>), Error> {
        let (order, next) = match by {
            ListBy::User(user) => self.of_user(user, after, limit).await?,
            ListBy::Status(status) => {
                let changed = Changed { status: Some(*status), ..Changed::default() };
                self.changed(changed, after, limit).await?
            }
            ListBy::Changed(changed) => self.changed(*changed, after, limit).await?,
        };
        let keys = order
            .iter()
            .map(|pk| Item::from([("pk".into(), text(pk.clone())), ("sk".into(), text("META"))]));
        let mut found = Vec::new();
        for item in self.records(keys.collect()).await? {
            found.extend(enrollments::read(item, now)?.map(|read| read.value));
        }
        found.retain(|enrollment| by.matches(enrollment));
        found.sort_by_key(|enrollment| {
            let pk = enrollments::partition(&enrollment.id);
            order.iter().position(|known| *known == pk)
        });
        Ok((found, next))
    }

    /// Partitions of a user's enrollments.
    async fn of_user(
        &self,
        user: &UserRef,
        after: Option<String>,
        limit: i32,
    ) -> Result<(Vec<String>, Option<String>), Error> {
        let find = format!("user#{}", user.as_str());
        let start = after.map(|pk| {
            Item::from([
                ("pk".into(), text(pk)),
                ("sk".into(), text("META")),
                ("find".into(), text(find.clone())),
            ])
        });
        let page = self
            .client
            .query()
            .table_name(&self.tables.records)
            .index_name("find")
            .key_condition_expression("#find = :find AND begins_with(sk, :meta)")
            .expression_attribute_names("#find", "find")
            .expression_attribute_values(":find", text(find))
            .expression_attribute_values(":meta", text("META"))
            .limit(limit)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        let next = page.last_evaluated_key.as_ref().and_then(pk_of);
        Ok((page.items().iter().filter_map(pk_of).collect(), next))
    }

    /// Partitions of enrollments, by the time of their last change.
    async fn changed(
        &self,
        changed: Changed,
        after: Option<String>,
        limit: i32,
    ) -> Result<(Vec<String>, Option<String>), Error> {
        // What another version noted begins anew.
        let reached = after.and_then(|text| serde_json::from_str(&text).ok());
        let reached: Reached = reached.unwrap_or_default();
        let statuses = Status::ALL.into_iter();
        let wanted = statuses.filter(|status| changed.status.is_none_or(|only| only == *status));
        let parts = wanted.map(|status| {
            let after = reached.get(status.as_str()).cloned();
            self.changed_part(status, changed, after, limit)
        });
        let parts = try_join_all(parts).await?;
        let limit = usize::try_from(limit).unwrap_or_default();
        let (order, reached) = merge(parts, reached, changed.order, limit);
        let next = reached.and_then(|reached| serde_json::to_string(&reached).ok());
        Ok((order, next))
    }

    async fn changed_part(
        &self,
        status: Status,
        Changed { since, order, .. }: Changed,
        after: Option<Place>,
        limit: i32,
    ) -> Result<Part, Error> {
        let start = after.map(|(at, pk)| {
            Item::from([
                ("status".into(), text(status.as_str())),
                ("changed_at".into(), number(at)),
                ("pk".into(), text(pk)),
                ("sk".into(), text("META")),
            ])
        });
        let query = self
            .client
            .query()
            .table_name(&self.tables.records)
            .index_name("changed")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":status", text(status.as_str()));
        let query = match since {
            None => query.key_condition_expression("#status = :status"),
            Some(since) => query
                .key_condition_expression("#status = :status AND changed_at >= :since")
                .expression_attribute_values(":since", number(since.as_microsecond())),
        };
        let page = query
            .scan_index_forward(order.is_forward())
            .limit(limit)
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| AwsError::from_sdk(&error))?;
        let ended = page.last_evaluated_key.as_ref().and_then(place_of);
        Ok(Part { status, places: page.items().iter().filter_map(place_of).collect(), ended })
    }
}

/// The first `limit` of all parts, and up to where that is; nothing, if that was all.
fn merge(
    parts: Vec<Part>,
    mut reached: Reached,
    order: Order,
    limit: usize,
) -> (Vec<String>, Option<Reached>) {
    let before = |one: &Place, other: &Place| match order {
        Order::Asc => one.cmp(other),
        Order::Desc => other.cmp(one),
    };
    // A part that has more can say nothing of what stands behind its end.
    let ends = parts.iter().filter_map(|part| part.ended.clone());
    let bound = ends.min_by(|one, other| before(one, other));
    let is_known = |place: &Place| bound.as_ref().is_none_or(|bound| before(place, bound).is_le());
    let mut more = bound.is_some();
    let mut found = Vec::new();
    for part in parts {
        // A page can be empty and yet not the last.
        if let (true, Some(ended)) = (part.places.is_empty(), part.ended) {
            reached.insert(part.status.to_string(), ended);
        }
        found.extend(part.places.into_iter().map(|place| (part.status, place)));
    }
    found.sort_by(|(_, one), (_, other)| before(one, other));
    let (mut seen, mut keys) = (BTreeSet::new(), Vec::new());
    for (status, place) in found {
        if keys.len() == limit || !is_known(&place) {
            more = true;
            break;
        }
        // One that changed its status between two queries stands in both.
        if seen.insert(place.1.clone()) {
            keys.push(place.1.clone());
        }
        reached.insert(status.to_string(), place);
    }
    (keys, more.then_some(reached))
}

fn place_of(item: &Item) -> Option<Place> {
    Some((as_number(item.get("changed_at")?)?, pk_of(item)?))
}

fn pk_of(item: &Item) -> Option<String> {
    item.get("pk")?.as_s().ok().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(status: Status, places: &[(i64, &str)], ended: Option<(i64, &str)>) -> Part {
        let place = |(at, pk): &(i64, &str)| (*at, (*pk).to_owned());
        Part {
            status,
            places: places.iter().map(place).collect(),
            ended: ended.as_ref().map(place),
        }
    }

    #[test]
    fn parts_are_merged_by_time_and_each_goes_on_where_it_was() {
        let parts = || {
            vec![
                part(Status::Active, &[(1, "a"), (4, "d")], None),
                part(Status::Begun, &[(2, "b"), (3, "c")], None),
            ]
        };

        let (keys, reached) = merge(parts(), Reached::new(), Order::Asc, 3);

        assert_eq!(keys, ["a", "b", "c"]);
        let reached = reached.unwrap();
        assert_eq!(reached["active"], (1, "a".to_owned()));
        assert_eq!(reached["begun"], (3, "c".to_owned()));
        let rest = vec![part(Status::Active, &[(4, "d")], None)];
        assert_eq!(merge(rest, reached, Order::Asc, 3), (vec!["d".to_owned()], None));
        let backwards = vec![
            part(Status::Active, &[(4, "d"), (1, "a")], None),
            part(Status::Begun, &[(3, "c"), (2, "b")], None),
        ];
        let (keys, _) = merge(backwards, Reached::new(), Order::Desc, 9);
        assert_eq!(keys, ["d", "c", "b", "a"]);
    }

    #[test]
    fn a_short_part_holds_the_others_back_and_no_enrollment_stands_twice() {
        let parts = vec![
            part(Status::Active, &[(1, "a")], Some((1, "a"))),
            part(Status::Begun, &[(1, "a"), (3, "c")], None),
            part(Status::Failed, &[], Some((2, "x"))),
        ];

        let (keys, reached) = merge(parts, Reached::new(), Order::Asc, 9);

        assert_eq!(keys, ["a"], "what the first part has next may stand before c");
        assert_eq!(reached.unwrap()["failed"], (2, "x".to_owned()));
    }
}
