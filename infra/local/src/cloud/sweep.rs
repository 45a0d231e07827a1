//! Expiry as DynamoDB does it: late. An item stays for a day after its time, so that a reader who
//! forgets to look at `expires_at` is found out.

use dynoxide::DynoxideError;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    database::{DatabaseError, Tables},
    front::Operation,
};

const LATE: i64 = 24 * 3600;

/// Deletes what expired a day ago. Returns how many items.
pub(super) async fn sweep(tables: &Tables, now: Timestamp) -> Result<usize, DatabaseError> {
    let before = (now.as_second() - LATE).to_string();
    let mut swept = 0;
    for (name, table) in tables.known.iter() {
        let Some(attribute) = &table.ttl else { continue };
        let mut start = Value::Null;
        loop {
            let mut scan = json!({
                "TableName": name, "FilterExpression": "#ttl < :before", "Limit": 500,
                "ExpressionAttributeNames": {"#ttl": attribute},
                "ExpressionAttributeValues": {":before": {"N": before}},
            });
            if !start.is_null() {
                scan["ExclusiveStartKey"] = start;
            }
            let page = tables.engine.run(move |core| core.own(Operation::Scan, scan)).await??;
            for item in page["Items"].as_array().into_iter().flatten() {
                swept += usize::from(delete(tables, name, attribute, item).await?);
            }
            start = page["LastEvaluatedKey"].clone();
            if start.is_null() {
                break;
            }
        }
    }
    Ok(swept)
}

/// Deletes an item, unless it was given more time since.
async fn delete(
    tables: &Tables,
    table: &str,
    attribute: &str,
    item: &Value,
) -> Result<bool, DatabaseError> {
    let (table, attribute, item) = (table.to_owned(), attribute.to_owned(), item.clone());
    let deleted = tables.engine.run(move |core| {
        let names = core
            .keys(&table)
            .iter()
            .filter_map(|name| Some((name.clone(), item.get(name)?.clone())));
        let key: serde_json::Map<_, _> = names.collect();
        let body = json!({
            "TableName": table, "Key": key, "ConditionExpression": "#ttl = :then",
            "ExpressionAttributeNames": {"#ttl": attribute},
            "ExpressionAttributeValues": {":then": item[&attribute]},
        });
        core.call(Operation::DeleteItem, body, None).map(drop)
    });
    match deleted.await? {
        Ok(()) => Ok(true),
        Err(DynoxideError::ConditionalCheckFailedException(..)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
