//! Cars found through several enrollments, page by page.

use shared::{
    App,
    domain::{
        enrollment::{Enrollment, UserRef},
        ids::EnrollmentId,
        vin::Vin,
    },
    store::{
        enrollments::{ListBy, of_partition, partition},
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
}

/// Where a page ended: behind an enrollment, or within it, behind this car.
type End = (EnrollmentId, Option<String>);

impl<'a> Search<'a> {
    pub(super) fn read(app: &'a App, query: &Query) -> Result<Self, Error> {
        let search = Self { app, user: query.parsed("user_ref")?, vin: query.parsed("vin")? };
        if search.user.is_none() && search.vin.is_none() {
            return Err(Error::invalid("vin", "give vin or user_ref"));
        }
        Ok(search)
    }

    /// The list that a cursor is for.
    pub(super) fn name(&self) -> String {
        let user = self.user.as_ref().map_or("", UserRef::as_str);
        format!("vehicles {user} {}", self.vin.as_ref().map_or("", Vin::as_str))
    }

    /// Up to `limit` cars, and where that ended. It looks on for them a few times; where it gave
    /// up, the next page goes on.
    pub(super) async fn page(
        &self,
        after: Option<&str>,
        limit: i32,
    ) -> Result<(Vec<VehicleView>, Option<String>), Error> {
        let mut end: Option<End> = after.and_then(|text| serde_json::from_str(text).ok());
        let mut found = Vec::new();
        for _ in 0..LOOKS {
            let (ids, last) = self.enrollments(end.as_ref()).await?;
            for id in ids {
                let within = end.filter(|(ended, _)| *ended == id).and_then(|(_, car)| car);
                let left = limit - i32::try_from(found.len()).unwrap_or(limit);
                let (cars, next) = self.cars(&id, within, left).await?;
                found.extend(cars.into_iter().map(|known| VehicleView::new(&id, known)));
                let is_full =
                    next.is_some() || i32::try_from(found.len()).is_ok_and(|it| it >= limit);
                let here = (id, next);
                if is_full {
                    return Ok((found, serde_json::to_string(&here).ok()));
                }
                end = Some(here);
            }
            let Some(last) = last else { return Ok((found, None)) };
            end = Some((last, None));
        }
        Ok((found, end.and_then(|end| serde_json::to_string(&end).ok())))
    }

    /// The next enrollments whose cars may be shown, and the last one that was looked at, unless
    /// there are no more.
    async fn enrollments(
        &self,
        end: Option<&End>,
    ) -> Result<(Vec<EnrollmentId>, Option<EnrollmentId>), Error> {
        let (store, now) = (&self.app.store, self.app.clock.now());
        let ended = end.map(|(id, _)| id);
        let (ids, last) = match (end, &self.user, &self.vin) {
            // The rest of the one within which the page before ended.
            (Some((id, Some(_))), ..) => (vec![id.clone()], Some(id.clone())),
            (_, Some(user), _) => {
                let (by, after) = (ListBy::User(user.clone()), ended.map(partition));
                let (found, last) = store.list_enrollments(&by, after, AT_ONCE, now).await?;
                let open = found.into_iter().filter(Enrollment::is_open).map(|found| found.id);
                return Ok((open.collect(), last.and_then(|pk| of_partition(&pk))));
            }
            (_, None, Some(vin)) => {
                let mut ids = store.enrollments_with(vin).await?;
                ids.retain(|id| ended.is_none_or(|ended| id > ended));
                ids.sort();
                (ids, None)
            }
            (_, None, None) => (Vec::new(), None),
        };
        let mut open = Vec::new();
        for id in ids {
            let found = store.enrollment(&id, now).await?;
            open.extend(found.filter(|found| found.value.is_open()).map(|_| id));
        }
        Ok((open, last))
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
