//! What a DynamoDB request touches, read from its JSON: for permissions, faults, streams and lag.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::front::Operation;

/// One right that a request needs.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need {
    pub(super) action: &'static str,
    pub(super) table: String,
    pub(super) index: Option<String>,
    /// What conditions may ask about it: names of context keys, and their values.
    pub(super) context: Vec<(&'static str, String)>,
}

/// An item that a request writes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Touched {
    pub(super) table: String,
    pub(super) key: Map<String, Value>,
}

/// The parts of a transaction: member, action that it needs, and where its key is.
const MEMBERS: [(&str, &str, &str); 5] = [
    ("Put", "PutItem", "Item"),
    ("Update", "UpdateItem", "Key"),
    ("Delete", "DeleteItem", "Key"),
    ("ConditionCheck", "ConditionCheckItem", "Key"),
    ("Get", "GetItem", "Key"),
];

/// The rights that a request needs, each once.
pub(super) fn needs(operation: Operation, body: &Value) -> Vec<Need> {
    let need = |action, table: &str, leading: Vec<String>, part: &Value| {
        let leading = leading.into_iter().map(|key| ("dynamodb:LeadingKeys", key));
        let attributes = attributes(part).into_iter().map(|name| ("dynamodb:Attributes", name));
        let select = select(action, part).map(|select| ("dynamodb:Select", select));
        let context = leading.chain(attributes).chain(select).collect();
        Need { action, table: table.to_owned(), index: None, context }
    };
    let mut needs: Vec<Need> = match operation {
        Operation::BatchGetItem | Operation::BatchWriteItem => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            tables.map(|(table, of)| need(operation.name(), table, batched(of), of)).collect()
        }
        Operation::TransactWriteItems | Operation::TransactGetItems => members(body)
            .map(|(_, action, at, member)| {
                need(action, text(member, "TableName"), leading(&member[at]), member)
            })
            .collect(),
        _ => {
            let index = body["IndexName"].as_str().map(str::to_owned);
            let keys = match operation {
                Operation::Query => queried(body),
                Operation::PutItem => leading(&body["Item"]),
                _ => leading(&body["Key"]),
            };
            vec![Need { index, ..need(operation.name(), text(body, "TableName"), keys, body) }]
        }
    };
    needs.sort_unstable();
    needs.dedup();
    needs
}

/// The partition key of an item or key.
fn leading(key: &Value) -> Vec<String> {
    key["pk"]["S"].as_str().map(str::to_owned).into_iter().collect()
}

/// Those of one table's part of a batch.
fn batched(part: &Value) -> Vec<String> {
    let keys = part["Keys"].as_array().into_iter().flatten().flat_map(leading);
    let requests = part.as_array().into_iter().flatten().flat_map(|request| {
        let (put, delete) = (&request["PutRequest"]["Item"], &request["DeleteRequest"]["Key"]);
        leading(put).into_iter().chain(leading(delete))
    });
    keys.chain(requests).collect()
}

/// The one that a query is about: the value that something equals.
fn queried(body: &Value) -> Vec<String> {
    let condition = body["KeyConditionExpression"].as_str().unwrap_or_default();
    let name = condition.split_once("= :").map_or("", |(_, rest)| rest);
    let end = name.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(name.len());
    let value = format!(":{}", &name[..end]);
    let value = body["ExpressionAttributeValues"][&value]["S"].as_str();
    value.map(str::to_owned).into_iter().collect()
}

/// The attributes that a request names: those of the item or key, and the first step of each path
/// in an expression.
fn attributes(part: &Value) -> BTreeSet<String> {
    const WORDS: &str = " and or not in between set remove add delete attribute_exists \
        attribute_not_exists attribute_type begins_with contains size if_not_exists list_append ";
    let given = ["Item", "Key"].iter().filter_map(|name| part[name].as_object());
    let given = given.flat_map(|item| item.keys().cloned());
    let expressions = part.as_object().into_iter().flatten();
    let expressions = expressions.filter(|(name, _)| name.ends_with("Expression"));
    let steps = expressions.flat_map(|(_, text)| {
        let text = text.as_str().unwrap_or_default();
        text.split(|c: char| !(c.is_alphanumeric() || "_#:.".contains(c)))
    });
    let named = steps.filter_map(|path| {
        let name = path.split('.').next().unwrap_or_default();
        let word = WORDS.contains(&format!(" {} ", name.to_ascii_lowercase()));
        let number = name.starts_with(|c: char| c.is_ascii_digit());
        if name.is_empty() || name.starts_with(':') || number || word {
            return None;
        }
        let placed = part["ExpressionAttributeNames"][name].as_str();
        Some(placed.unwrap_or(name).to_owned())
    });
    given.chain(named).collect()
}

/// What a read gives back: without a word about it, everything.
fn select(action: &str, part: &Value) -> Option<String> {
    let reads = matches!(action, "GetItem" | "BatchGetItem" | "Query" | "Scan");
    let given = part["Select"].as_str();
    let named = part.get("ProjectionExpression").is_some();
    let meant = if named { "SPECIFIC_ATTRIBUTES" } else { "ALL_ATTRIBUTES" };
    reads.then(|| given.unwrap_or(meant).to_owned())
}

/// The items that a request writes. `keys` are the key attributes by table.
pub(super) fn touched(
    operation: Operation,
    body: &Value,
    keys: &BTreeMap<String, Vec<String>>,
) -> Vec<Touched> {
    let key_of = |table: &str, attributes: &Value| {
        let names = keys.get(table)?;
        let key =
            names.iter().filter_map(|name| Some((name.clone(), attributes.get(name)?.clone())));
        Some(Touched { table: table.to_owned(), key: key.collect() })
    };
    let found: Vec<_> = match operation {
        Operation::PutItem => vec![key_of(text(body, "TableName"), &body["Item"])],
        Operation::UpdateItem | Operation::DeleteItem => {
            vec![key_of(text(body, "TableName"), &body["Key"])]
        }
        Operation::TransactWriteItems => members(body)
            .filter(|(name, ..)| *name != "ConditionCheck")
            .map(|(_, _, at, member)| key_of(text(member, "TableName"), &member[at]))
            .collect(),
        Operation::BatchWriteItem => {
            let tables = body["RequestItems"].as_object().into_iter().flatten();
            let requests = tables.flat_map(|(table, list)| {
                list.as_array().into_iter().flatten().map(move |request| (table, request))
            });
            requests
                .map(|(table, request)| match request.get("PutRequest") {
                    Some(put) => key_of(table, &put["Item"]),
                    None => key_of(table, &request["DeleteRequest"]["Key"]),
                })
                .collect()
        }
        _ => Vec::new(),
    };
    found.into_iter().flatten().collect()
}

/// How many items a transaction names.
pub(super) fn transaction_size(body: &Value) -> usize {
    members(body).count()
}

fn members(
    body: &Value,
) -> impl Iterator<Item = (&'static str, &'static str, &'static str, &Value)> {
    body["TransactItems"].as_array().into_iter().flatten().filter_map(|entry| {
        let (name, action, at) = *MEMBERS.iter().find(|(name, ..)| entry.get(name).is_some())?;
        Some((name, action, at, &entry[name]))
    })
}

/// A table may also be named by its ARN.
fn text<'a>(body: &'a Value, key: &str) -> &'a str {
    let name = body[key].as_str().unwrap_or_default();
    name.rsplit_once("table/").map_or(name, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_transaction_needs_the_right_of_each_of_its_members_once() {
        let body = json!({"TransactItems": [
            {"Put": {"TableName": "A", "Item": {"pk": {"S": "1"}, "more": {"S": "x"}}}},
            {"Put": {"TableName": "A", "Item": {"pk": {"S": "2"}}}},
            {"ConditionCheck": {"TableName": "B", "Key": {"pk": {"S": "3"}}}},
        ]});
        let keys =
            [("A".to_owned(), vec!["pk".to_owned()]), ("B".to_owned(), vec!["pk".to_owned()])]
                .into();

        let mut actions: Vec<_> = needs(Operation::TransactWriteItems, &body)
            .into_iter()
            .map(|need| (need.action, need.table))
            .collect();
        actions.dedup();
        let touched: Vec<_> = touched(Operation::TransactWriteItems, &body, &keys)
            .into_iter()
            .map(|item| json!(item.key))
            .collect();

        assert_eq!(actions, [("ConditionCheckItem", "B".to_owned()), ("PutItem", "A".to_owned())]);
        assert_eq!(touched, [json!({"pk": {"S": "1"}}), json!({"pk": {"S": "2"}})]);
    }

    #[test]
    fn a_query_needs_the_index_it_reads() {
        let need = needs(Operation::Query, &json!({"TableName": "A", "IndexName": "due"}));

        assert_eq!(
            need,
            [Need {
                action: "Query",
                table: "A".to_owned(),
                index: Some("due".to_owned()),
                context: vec![("dynamodb:Select", "ALL_ATTRIBUTES".to_owned())],
            }]
        );
    }

    #[test]
    fn the_partitions_that_a_request_is_about_are_told() {
        let key = |pk: &str| json!({"pk": {"S": pk}});
        let of = |operation, body: Value| told(operation, &body, "dynamodb:LeadingKeys");

        assert_eq!(of(Operation::PutItem, json!({"TableName": "A", "Item": key("a")})), ["a"]);
        assert_eq!(of(Operation::GetItem, json!({"TableName": "A", "Key": key("b")})), ["b"]);
        let query = json!({"TableName": "A", "KeyConditionExpression": "pk = :pk AND begins_with(sk, :p)",
            "ExpressionAttributeValues": {":pk": {"S": "c"}, ":p": {"S": "x"}}});
        assert_eq!(of(Operation::Query, query), ["c"]);
        let batch = json!({"RequestItems": {"A": {"Keys": [key("d"), key("e")]}}});
        assert_eq!(of(Operation::BatchGetItem, batch), ["d", "e"]);
    }

    #[test]
    fn the_attributes_that_a_request_reads_or_asks_about_are_told() {
        let body = json!({"TableName": "A", "Key": {"pk": {"S": "1"}, "sk": {"S": "2"}},
            "ProjectionExpression": "#status, body.name[0]",
            "ExpressionAttributeNames": {"#status": "status"}});
        let check = json!({"TransactItems": [{"ConditionCheck": {"TableName": "A",
            "Key": {"pk": {"S": "1"}}, "ExpressionAttributeNames": {"#s": "state"},
            "ConditionExpression": "attribute_exists(pk) AND (#s <> :old OR size(due) > :n)"}}]});
        let (get, write) = (Operation::GetItem, Operation::TransactWriteItems);

        assert_eq!(told(get, &body, "dynamodb:Attributes"), ["body", "pk", "sk", "status"]);
        assert_eq!(told(get, &body, "dynamodb:Select"), ["SPECIFIC_ATTRIBUTES"]);
        assert_eq!(told(write, &check, "dynamodb:Attributes"), ["due", "pk", "state"]);
        assert!(told(write, &check, "dynamodb:Select").is_empty());
    }

    fn told(operation: Operation, body: &Value, key: &str) -> Vec<String> {
        let context = needs(operation, body).remove(0).context;
        context.into_iter().filter(|(name, _)| *name == key).map(|(_, value)| value).collect()
    }
}
