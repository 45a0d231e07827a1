//! What the functions may ask of AWS, named: faults, counters and permissions go by it.

/// An AWS service that has a stand-in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Tables.
    DynamoDb,
    /// Secrets.
    SecretsManager,
    /// Queues.
    Sqs,
    /// The event bus.
    EventBridge,
}

impl Service {
    /// The name in credential scopes and IAM actions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DynamoDb => "dynamodb",
            Self::SecretsManager => "secretsmanager",
            Self::Sqs => "sqs",
            Self::EventBridge => "events",
        }
    }

    fn target(self) -> &'static str {
        match self {
            Self::DynamoDb => "DynamoDB_20120810",
            Self::SecretsManager => "secretsmanager",
            Self::Sqs => "AmazonSQS",
            Self::EventBridge => "AWSEvents",
        }
    }

    /// The media type of its JSON.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::SecretsManager | Self::EventBridge => "application/x-amz-json-1.1",
            Self::DynamoDb | Self::Sqs => "application/x-amz-json-1.0",
        }
    }
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident of $service:ident),* $(,)?) => {
        /// One operation.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $($(#[$doc])* $name,)*
        }

        impl Operation {
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in AWS's documents.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// Whose operation it is.
            #[must_use]
            pub fn service(self) -> Service {
                match self { $(Self::$name => Service::$service,)* }
            }
        }
    };
}

operations! {
    /// Reads one item.
    GetItem of DynamoDb,
    /// Writes one item whole.
    PutItem of DynamoDb,
    /// Changes one item.
    UpdateItem of DynamoDb,
    /// Deletes one item.
    DeleteItem of DynamoDb,
    /// Reads a partition of a table or index.
    Query of DynamoDb,
    /// Reads a whole table or index.
    Scan of DynamoDb,
    /// Reads many items.
    BatchGetItem of DynamoDb,
    /// Puts and deletes many items.
    BatchWriteItem of DynamoDb,
    /// Writes many items or none.
    TransactWriteItems of DynamoDb,
    /// Reads many items of one moment.
    TransactGetItems of DynamoDb,
    /// Reads a secret.
    GetSecretValue of SecretsManager,
    /// Puts a message on a queue.
    SendMessage of Sqs,
    /// Takes messages for a while.
    ReceiveMessage of Sqs,
    /// Takes a message off for good.
    DeleteMessage of Sqs,
    /// A queue's address by name.
    GetQueueUrl of Sqs,
    /// Puts events on a bus.
    PutEvents of EventBridge,
}

impl Operation {
    /// From the header `X-Amz-Target`.
    #[must_use]
    pub fn of_target(target: &str) -> Option<Self> {
        let (service, name) = target.rsplit_once('.')?;
        Self::ALL
            .iter()
            .copied()
            .find(|known| known.name() == name && known.service().target() == service)
    }

    /// Whether it changes a table.
    #[must_use]
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::PutItem
                | Self::UpdateItem
                | Self::DeleteItem
                | Self::BatchWriteItem
                | Self::TransactWriteItems
        )
    }
}
