//! All that is held of an enrollment, part by part and page by page: for who asks what is known of
//! them. Keys decide what belongs to it, so that a car which left the account still does.
//!
//! Left out are tokens, and what is about our own work: schedules, claims, counts, pointers, marks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Error, Item, Store, as_number,
    audit::Person,
    enrollments::partition,
    from_json, inbox, live, packed,
    vehicles::{Known, known},
};
use crate::domain::{
    alert::Alert,
    event::Event,
    ids::{EnrollmentId, RemoteId},
    monitor::Watch,
    remote::Remote,
    snapshot::Change,
    trip::Trip,
    vin::Vin,
};

/// How much text of messages one page holds at most, as JSON quotes it: an answer of a function
/// has 6 MB. Longer than that is no message that the maker sends.
const ROOM: usize = 4 << 20;

/// A part of what is held. A page is of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is named as what it holds")]
pub enum Part {
    Vehicles,
    Changes,
    Trips,
    Alerts,
    Watches,
    Remotes,
    Persons,
    Untold,
    Told,
    Waiting,
    Dead,
    Messages,
    Quarantine,
}

/// One thing that is held.
#[derive(Debug, Clone)]
pub enum Held {
    /// A car and its latest state.
    Vehicle(Known),
    /// What changed of a car at one moment.
    Changes(Vin, Vec<Change>),
    /// A trip of a car.
    Trip(Vin, Trip),
    /// An alert of a car.
    Alert(Vin, Alert),
    /// How a rule stands on a car.
    Watch(Watch),
    /// A command.
    Remote(Remote),
    /// For whom a command was, and to which car: kept longer than the command itself.
    Person(RemoteId, Person),
    /// An event. One that an endpoint has not taken is held for it once more.
    Event(Event),
    /// What the maker sent.
    Message(Message),
}

/// What the maker sent, as long as it is not done with.
#[derive(Debug, Clone)]
pub struct Message {
    /// When it came.
    pub received_at: Timestamp,
    /// Whether it came with the secret: if not, anybody who knows the address sent it.
    pub proven: bool,
    /// Its text. Not of what is neither proven nor can be read: that may be anything. Nor of what is
    /// too long for an answer.
    pub text: Option<String>,
    /// How long its text is, bytes.
    pub length: usize,
}

impl Part {
    /// Every part.
    pub const ALL: [Self; 13] = [
        Self::Vehicles,
        Self::Changes,
        Self::Trips,
        Self::Alerts,
        Self::Watches,
        Self::Remotes,
        Self::Persons,
        Self::Untold,
        Self::Told,
        Self::Waiting,
        Self::Dead,
        Self::Messages,
        Self::Quarantine,
    ];

    /// The one behind it.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().skip_while(|part| *part != self).nth(1)
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Vehicles => "SNAP#",
            Self::Changes => "OBS#",
            Self::Trips => "TRIP#",
            Self::Alerts => "ALERT#",
            Self::Watches => "WATCH#",
            Self::Remotes => "RMT#",
            Self::Persons => "AUDIT#",
            Self::Untold => "EVT#",
            Self::Told => "TOLD#",
            Self::Waiting => "SEND#",
            Self::Dead => "DEAD#",
            Self::Messages => "MSG#",
            Self::Quarantine => "BAD#",
        }
    }
}

impl Store {
    /// A page of a part of what is held, and the key to go on from. It can be empty and yet have
    /// one: what has expired is not held any more.
    ///
    /// # Errors
    /// When the database fails, or an item can't be read.
    pub async fn held(
        &self,
        enrollment: &EnrollmentId,
        part: Part,
        after: Option<String>,
        limit: i32,
        now: Timestamp,
    ) -> Result<(Vec<Held>, Option<String>), Error> {
        let (table, pk) = match part {
            Part::Untold | Part::Told | Part::Waiting | Part::Dead => {
                (&self.tables.outbox, partition(enrollment))
            }
            Part::Messages | Part::Quarantine => {
                (&self.tables.records, inbox::partition(enrollment))
            }
            _ => (&self.tables.records, partition(enrollment)),
        };
        let (items, next) = self.part(table, (&pk, part.prefix()), after, limit).await?;
        if matches!(part, Part::Messages | Part::Quarantine) {
            return self.messages(&pk, items, next, now).await;
        }
        let mut held = Vec::new();
        for item in items {
            held.extend(read(part, item, now)?);
        }
        Ok((held, next))
    }

    /// Messages as far as there is room for their texts; then the page ends before `next`.
    async fn messages(
        &self,
        pk: &str,
        items: Vec<Item>,
        next: Option<String>,
        now: Timestamp,
    ) -> Result<(Vec<Held>, Option<String>), Error> {
        let (mut held, mut room, mut last) = (Vec::new(), ROOM, None);
        for item in items {
            let sk = string(&item, "sk").ok_or(Error::Malformed("message"))?;
            if let Some(mut message) = self.kept(pk, &sk, &item, now).await? {
                let size = message.text.as_ref().map_or(0, |text| quoted(text));
                if size > ROOM {
                    message.text = None;
                } else if size > room {
                    return Ok((held, last));
                } else {
                    room -= size;
                }
                held.push(Held::Message(message));
            }
            last = Some(sk);
        }
        Ok((held, next))
    }

    /// A message with its text. `None`: it is expired, or the mark of one that is done.
    async fn kept(
        &self,
        pk: &str,
        sk: &str,
        item: &Item,
        now: Timestamp,
    ) -> Result<Option<Message>, Error> {
        let number = |name: &str| item.get(name).and_then(as_number);
        if number("expires_at").is_some_and(|at| at <= now.as_second()) {
            return Ok(None);
        }
        let blob = |item: &Item| Some(item.get("body")?.as_b().ok()?.as_ref().to_vec());
        let mut body = blob(item).unwrap_or_default();
        let parts = number("parts").and_then(|parts| usize::try_from(parts).ok());
        for index in 0..parts.unwrap_or_default() {
            let part = self.record(pk, &inbox::part_of_message(sk, index)).await?;
            // Done with in this moment: the text went with it.
            let Some(part) = part.as_ref().and_then(blob) else { return Ok(None) };
            body.extend(part);
        }
        if body.is_empty() {
            return Ok(None);
        }
        let text = packed::unpack(&body).ok_or(Error::Malformed("message"))?;
        let proven = item.get("secret").and_then(|secret| secret.as_bool().ok()) == Some(&true);
        let is_shown = proven || sk.starts_with(Part::Messages.prefix());
        let received_at = number("received_at").and_then(|at| Timestamp::from_second(at).ok());
        Ok(Some(Message {
            received_at: received_at.ok_or(Error::Malformed("message"))?,
            proven,
            length: text.len(),
            text: is_shown.then(|| String::from_utf8_lossy(&text).into_owned()),
        }))
    }
}

/// What most items have.
#[derive(Deserialize)]
struct Body {
    body: String,
}

#[derive(Deserialize)]
struct Telling {
    event: Event,
}

fn read(part: Part, item: Item, now: Timestamp) -> Result<Option<Held>, Error> {
    let sk = string(&item, "sk").unwrap_or_default();
    // A car, or a command.
    let named = sk.split('#').nth(1).unwrap_or_default();
    let vin = || named.parse().map_err(|_| Error::Malformed("key"));
    Ok(match part {
        Part::Vehicles => Some(Held::Vehicle(known(item)?.value)),
        Part::Changes => {
            let vin = vin()?;
            body(item, now)?.map(|changes| Held::Changes(vin, changes))
        }
        Part::Trips => {
            let vin = vin()?;
            body(item, now)?.map(|trip| Held::Trip(vin, trip))
        }
        Part::Alerts => {
            let vin = vin()?;
            body(item, now)?.map(|alert| Held::Alert(vin, alert))
        }
        Part::Watches => body(item, now)?.map(Held::Watch),
        Part::Remotes => body(item, now)?.map(Held::Remote),
        Part::Persons => {
            let remote = named.parse().map_err(|_| Error::Malformed("key"))?;
            body(item, now)?.map(|person| Held::Person(remote, person))
        }
        Part::Untold | Part::Told | Part::Waiting | Part::Dead => {
            live::<Telling>(item, "event", now)?.map(|telling| Held::Event(telling.event))
        }
        Part::Messages | Part::Quarantine => None,
    })
}

fn body<T: DeserializeOwned>(item: Item, now: Timestamp) -> Result<Option<T>, Error> {
    let item = live::<Body>(item, "entry", now)?;
    item.map(|item| from_json(&item.body, "entry")).transpose()
}

fn string(item: &Item, name: &str) -> Option<String> {
    item.get(name)?.as_s().ok().cloned()
}

/// How long a text is as JSON.
fn quoted(text: &str) -> usize {
    serde_json::to_string(text).map_or(usize::MAX, |quoted| quoted.len())
}
