//! The last resort for tokens that the table would not take: a queue, drained by the next run.
//! Without it, a database failure after a renewal would cost the user's consent.

use jiff::Timestamp;

use crate::{
    aws::{AwsError, Lazy},
    store::{Error as StoreError, Store, grants::Renewal},
};

/// Keeps sealed renewals outside the database.
#[derive(Debug, Clone)]
pub struct Rescue {
    client: Lazy<aws_sdk_sqs::Client>,
    queue: String,
}

/// The queue failed, or the store still does.
#[derive(Debug, thiserror::Error)]
pub enum RescueError {
    /// The queue did not take or give.
    #[error("the rescue queue failed")]
    Queue(#[source] AwsError),
    /// The table still refuses.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A renewal can't be written as JSON, which a test would show.
    #[error("the renewal can't be written")]
    Unwritable,
}

impl Rescue {
    /// Over a client made by `App`.
    #[must_use]
    pub fn new(client: Lazy<aws_sdk_sqs::Client>, queue: String) -> Self {
        Self { client, queue }
    }

    /// Keeps a renewal. It is sealed: the queue learns nothing.
    ///
    /// # Errors
    /// When the queue does not take it.
    pub async fn keep(&self, renewal: &Renewal) -> Result<(), RescueError> {
        let body = serde_json::to_string(renewal).map_err(|_| RescueError::Unwritable)?;
        self.client
            .send_message()
            .queue_url(&self.queue)
            .message_body(body)
            .send()
            .await
            .map_err(|error| RescueError::Queue(AwsError::from_sdk(&error)))?;
        Ok(())
    }

    /// Brings home what was kept: stores each renewal, unless a later one is there, and only then
    /// takes it off the queue. Returns how many.
    ///
    /// # Errors
    /// When queue or store fail; what was not stored stays on the queue.
    pub async fn drain(&self, store: &Store, now: Timestamp) -> Result<usize, RescueError> {
        let mut drained = 0;
        loop {
            let answer = self
                .client
                .receive_message()
                .queue_url(&self.queue)
                .max_number_of_messages(10)
                // Without a wait SQS asks some of its servers only, and may call a full queue empty.
                .wait_time_seconds(1)
                .send()
                .await
                .map_err(|error| RescueError::Queue(AwsError::from_sdk(&error)))?;
            let messages = answer.messages.unwrap_or_default();
            if messages.is_empty() {
                return Ok(drained);
            }
            for message in messages {
                self.bring_home(store, message.body(), now).await?;
                self.client
                    .delete_message()
                    .queue_url(&self.queue)
                    .receipt_handle(message.receipt_handle().unwrap_or_default())
                    .send()
                    .await
                    .map_err(|error| RescueError::Queue(AwsError::from_sdk(&error)))?;
                drained += 1;
            }
        }
    }

    async fn bring_home(
        &self,
        store: &Store,
        body: Option<&str>,
        now: Timestamp,
    ) -> Result<(), RescueError> {
        let Some(renewal) = body.and_then(|body| serde_json::from_str::<Renewal>(body).ok()) else {
            tracing::error!("the rescue queue holds a message that is not ours; dropped");
            return Ok(());
        };
        store.store_renewal(&renewal, now).await?;
        tracing::warn!(grant.id = %renewal.grant, "tokens were brought home from the rescue queue");
        Ok(())
    }
}
