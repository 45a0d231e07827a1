//! A partition, page by page.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;

use super::{Error, Item, Store, text};
use crate::aws::AwsError;

impl Store {
    /// A page of the items of a partition whose sort key begins with `prefix`, in order, and the
    /// key to go on from. `after` is that of the page before.
    pub(super) async fn part(
        &self,
        table: &str,
        (pk, prefix): (&str, &str),
        after: Option<String>,
        limit: i32,
    ) -> Result<(Vec<Item>, Option<String>), Error> {
        let query = self
            .client
            .query()
            .table_name(table)
            .key_condition_expression("pk = :pk AND begins_with(sk, :prefix)")
            .expression_attribute_values(":prefix", text(prefix))
            .consistent_read(true);
        page(query, pk, after, limit).await
    }
}

/// A page of a query whose condition names the partition as `:pk`, and the sort key to go on from.
pub(super) async fn page(
    query: QueryFluentBuilder,
    pk: &str,
    after: Option<String>,
    limit: i32,
) -> Result<(Vec<Item>, Option<String>), Error> {
    let start = after.map(|sk| Item::from([("pk".into(), text(pk)), ("sk".into(), text(sk))]));
    let page = query
        .expression_attribute_values(":pk", text(pk))
        .limit(limit)
        .set_exclusive_start_key(start)
        .send()
        .await
        .map_err(|error| AwsError::from_sdk(&error))?;
    let next = page.last_evaluated_key.as_ref().and_then(|key| key.get("sk"));
    let next = next.and_then(|sk| sk.as_s().ok()).cloned();
    Ok((page.items.unwrap_or_default(), next))
}
