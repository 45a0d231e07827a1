//! Cars found through several enrollments, page by page.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::{
    App,
    domain::{enrollment::UserRef, ids::EnrollmentId, vin::Vin},
    store::{
        listing::{Changed, ListBy, Order},
        vehicles::Known,
    },
};

use crate::{Error, query::Query, views::VehicleView};

/// How often one page looks further for enrollments that have cars.
const LOOKS: usize = 10;
/// How many enrollments are looked at at once.
const AT_ONCE: i32 = 100;

/// Which cars are wanted.
pub(super) struct Search<'a> {
    app: &'a App,
    user: Option<UserRef>,
    vin: Option<Vin>,
    /// Cars that told something then or since.
    since: Option<Timestamp>,
    /// The order of their enrollments, where all are walked.
    order: Order,
}

/// Where a page ended.
#[derive(Default, Serialize, Deserialize)]
struct End {
    /// Up to where whole batches of enrollments were looked at, as their list has it.
    after: Option<String>,
    /// In the batch behind that, the last enrollment that is done with.
    behind: Option<EnrollmentId>,
    /// An enrollment that is not done with, and its last car that was given.
    within: Option<(EnrollmentId, String)>,
}

impl<'a> Search<'a> {
    pub(super) fn read(app: &'a App, query: &Query) -> Result<Self, Error> {
        Ok(Self {
            app,
            user: query.parsed("user_ref")?,
            vin: query.parsed("vin")?,
            since: query.time("updated_since")?,
            order: query.parsed("order")?.unwrap_or_default(),
        })
    }

    /// The list that a cursor is for.
    pub(super) fn name(&self) -> String {
        let user = self.user.as_ref().map_or("", UserRef::as_str);
        let vin = self.vin.as_ref().map_or("", Vin::as_str);
        format!("vehicles {user} {vin} {:?} {:?}", self.since, self.order)
    }

    /// Up to `limit` cars, and where that ended. It looks on for them a few times; where it gave
    /// up, the next page goes on.
    pub(super) async fn page(
        &self,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<VehicleView>, Option<String>), Error> {
        let end = after.and_then(|text| serde_json::from_str(text).ok());
        let mut end: End = end.unwrap_or_default();
        let mut found = Vec::new();
        for _ in 0..LOOKS {
            let (batch, next) = self.enrollments(end.after.clone()).await?;
            // One that has left the batch meanwhile: what may have been given is given again.
            let at = batch.iter().position(|(id, _)| Some(id) == end.behind.as_ref());
            for (id, is_open) in batch.into_iter().skip(at.map_or(0, |at| at + 1)) {
                let left = limit - i32::try_from(found.len()).unwrap_or(limit);
                if left <= 0 {
                    return Ok((found, written(&end)));
                }
                if is_open {
                    let within = end.within.take().filter(|(within, _)| *within == id);
                    let (cars, more) = self.cars(&id, within.map(|(_, car)| car), left).await?;
                    let wanted = cars.into_iter().filter(|car| self.wants(car));
                    found.extend(wanted.map(|known| VehicleView::new(&id, known)));
                    if let Some(car) = more {
                        end.within = Some((id, car));
                        return Ok((found, written(&end)));
                    }
                }
                end.behind = Some(id);
            }
            let Some(next) = next else { return Ok((found, None)) };
            end = End { after: Some(next), ..End::default() };
        }
        Ok((found, written(&end)))
    }

    fn wants(&self, car: &Known) -> bool {
        self.since.is_none_or(|since| car.snapshot.last_seen().is_some_and(|seen| seen >= since))
    }

    /// The next enrollments, each with whether its cars may be shown, and where to go on.
    async fn enrollments(
        &self,
        after: Option<String>,
    ) -> Result<(Vec<(EnrollmentId, bool)>, Option<String>), Error> {
        let (store, now) = (&self.app.store, self.app.clock.now());
        let by = match (&self.user, &self.vin) {
            (Some(user), _) => ListBy::User(user.clone()),
            (None, None) => ListBy::Changed(Changed { order: self.order, ..Changed::default() }),
            (None, Some(vin)) => {
                let mut ids = store.enrollments_with(vin).await?;
                ids.sort();
                let mut batch = Vec::new();
                for id in ids {
                    let found = store.enrollment(&id, now).await?;
                    batch.push((id, found.is_some_and(|found| found.value.is_open())));
                }
                return Ok((batch, None));
            }
        };
        let (found, next) = store.list_enrollments(&by, after, AT_ONCE, now).await?;
        Ok((found.into_iter().map(|found| (found.id.clone(), found.is_open())).collect(), next))
    }

    async fn cars(
        &self,
        id: &EnrollmentId,
        after: Option<String>,
        limit: i32,
    ) -> Result<(Vec<Known>, Option<String>), Error> {
        let store = &self.app.store;
        let Some(vin) = &self.vin else { return Ok(store.some_known(id, after, limit).await?) };
        let known = store.known(id, vin).await?.map(|known| known.value);
        Ok((known.into_iter().collect(), None))
    }
}

fn written(end: &End) -> Option<String> {
    serde_json::to_string(end).ok()
}
