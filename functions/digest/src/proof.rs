//! Whether a message is proven: it came with the secret, for a callback of ours, within its time,
//! about a car and a monitor or command that are known under its enrollment. Nothing less moves
//! anything.

use jiff::SignedDuration;
use shared::{
    App,
    domain::{monitor::Watch, pace::Car, vin::Vin},
    stellantis::notification::{Notification, Told},
    store::{Error, inbox::Message},
};

/// The maker sends for 72 h what it could not deliver.
const LATE: SignedDuration = SignedDuration::from_hours(96);
/// How far its clock may be ahead of ours.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);
/// How long an unknown name under the right secret may be one whose creation at the maker was not
/// stored yet.
const PATIENCE: SignedDuration = SignedDuration::from_mins(15);

/// What there is to say of a message.
pub(crate) enum Verdict {
    /// It came from one of our monitors, on a car that the account has.
    Monitor(Watch, Box<Car>),
    /// It may be about one of our commands: `remotes` decides.
    Remote,
    /// It is not proven. The car that it may be about.
    Hint(Option<Vin>),
    /// Not yet known.
    NotYet,
}

/// Judges a message.
pub(crate) async fn judge(
    app: &App,
    message: &Message,
    notification: &Notification,
) -> Result<Verdict, Error> {
    let watches = app.store.watches(&message.enrollment).await?;
    let watch = match &notification.told {
        Told::Monitor(event) => watches
            .into_iter()
            .find(|watch| watch.monitor.as_deref() == Some(event.monitor.as_str())),
        Told::Remote(_) => None,
    };
    let about = message.vin.clone().or_else(|| watch.as_ref().map(|watch| watch.vin.clone()));
    let age = message.received_at.duration_since(notification.date);
    let trusted = message.secret || is_trusted_by_address(app, message).await?;
    if !trusted || age > LATE || age < -AHEAD {
        return Ok(Verdict::Hint(about));
    }
    let unknown =
        |about| if is_young(app, message) { Verdict::NotYet } else { Verdict::Hint(about) };
    let subscription = app.store.subscription(&message.enrollment).await?;
    let ours = subscription
        .is_some_and(|found| found.value.knows(&notification.callback, message.received_at));
    if !ours {
        return Ok(unknown(about));
    }
    match (&notification.told, watch) {
        (Told::Remote(_), _) => Ok(Verdict::Remote),
        (Told::Monitor(_), None) => Ok(unknown(about)),
        // A message about another car than its monitor's is nobody's. One that names none, since the
        // maker put no value for `$vin`, is about its monitor's.
        (Told::Monitor(_), Some(watch)) if about.as_ref() != Some(&watch.vin) => {
            Ok(Verdict::Hint(about))
        }
        // A rule may outlive its car here, whose events would be another user's by now.
        (Told::Monitor(_), Some(watch)) => {
            match app.store.car(&message.enrollment, &watch.vin).await? {
                Some((car, _)) => Ok(Verdict::Monitor(watch, Box::new(car))),
                None => Ok(Verdict::Hint(None)),
            }
        }
    }
}

/// Whether the operator believes this brand without the secret.
async fn is_trusted_by_address(app: &App, message: &Message) -> Result<bool, Error> {
    if app.config.trusted_by_address.is_empty() {
        return Ok(false);
    }
    let found = app.store.enrollment(&message.enrollment, app.clock.now()).await?;
    Ok(found.is_some_and(|found| app.config.trusted_by_address.contains(&found.value.brand)))
}

/// Whether what is unknown may become known yet.
pub(crate) fn is_young(app: &App, message: &Message) -> bool {
    app.clock.now().duration_since(message.received_at) < PATIENCE
}
