//! dynoxide's typed methods behind DynamoDB's JSON.

use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::front::Operation;

pub(super) fn dispatch(
    db: &Database,
    operation: Operation,
    body: Value,
) -> Result<Value, DynoxideError> {
    match operation {
        Operation::GetItem => answer(db.get_item(request(body)?)?),
        Operation::PutItem => answer(db.put_item(request(body)?)?),
        Operation::UpdateItem => answer(db.update_item(request(body)?)?),
        Operation::DeleteItem => answer(db.delete_item(request(body)?)?),
        Operation::Query => answer(db.query(request(body)?)?),
        Operation::Scan => answer(db.scan(request(body)?)?),
        Operation::BatchGetItem => answer(db.batch_get_item(request(body)?)?),
        Operation::BatchWriteItem => answer(db.batch_write_item(request(body)?)?),
        Operation::TransactWriteItems => answer(db.transact_write_items(request(body)?)?),
        Operation::TransactGetItems => answer(db.transact_get_items(request(body)?)?),
        Operation::GetSecretValue
        | Operation::SendMessage
        | Operation::ReceiveMessage
        | Operation::DeleteMessage
        | Operation::GetQueueUrl
        | Operation::PutEvents => {
            Err(DynoxideError::SerializationException("UnknownOperationException".to_owned()))
        }
    }
}

/// dynoxide marks what its readers refuse with a word of its own, which its server would take off.
pub(super) fn request<T: DeserializeOwned>(body: Value) -> Result<T, DynoxideError> {
    serde_json::from_value(body).map_err(|error| {
        let text = error.to_string();
        let validation =
            text.strip_prefix("VALIDATION:").or_else(|| text.strip_prefix("VALIDATION_REQUEST:"));
        match validation {
            Some(reason) => DynoxideError::ValidationException(reason.to_owned()),
            None => DynoxideError::SerializationException(text),
        }
    })
}

fn answer<T: Serialize>(response: T) -> Result<Value, DynoxideError> {
    serde_json::to_value(response)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}
