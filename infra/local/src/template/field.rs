//! Reading resolved properties: every error says where.

use serde_json::Value;

use super::{Fault, TemplateError, at, intrinsic::scalar_text};

/// A value and where it stands.
pub(super) struct Field<'a> {
    pub(super) place: String,
    pub(super) value: &'a Value,
}

impl<'a> Field<'a> {
    pub(super) fn root(place: &str, value: &'a Value) -> Self {
        Self { place: place.to_owned(), value }
    }

    pub(super) fn optional(&self, key: &str) -> Option<Field<'a>> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Field { place: format!("{}.{key}", self.place), value })
    }

    pub(super) fn child(&self, key: &str) -> Result<Field<'a>, TemplateError> {
        self.optional(key).ok_or_else(|| at(&self.place, Fault::Missing(key.to_owned())))
    }

    /// A scalar, as text.
    pub(super) fn text(&self, key: &str) -> Result<String, TemplateError> {
        let child = self.child(key)?;
        scalar_text(child.value).ok_or_else(|| at(&child.place, Fault::Wanted("a text or number")))
    }

    /// A scalar that parses, or the default if it is not there.
    pub(super) fn parsed_or<T: std::str::FromStr>(
        &self,
        key: &str,
        default: T,
    ) -> Result<T, TemplateError> {
        match self.optional(key) {
            None => Ok(default),
            Some(child) => scalar_text(child.value)
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| at(&child.place, Fault::Wanted("a number, or true or false"))),
        }
    }

    /// The elements of a list.
    pub(super) fn list(&self, key: &str) -> Result<Vec<Field<'a>>, TemplateError> {
        let child = self.child(key)?;
        let list =
            child.value.as_array().ok_or_else(|| at(&child.place, Fault::Wanted("a list")))?;
        let numbered = list.iter().enumerate();
        Ok(numbered
            .map(|(index, value)| Field { place: format!("{}[{index}]", child.place), value })
            .collect())
    }

    /// The members of an object; none if it is not one.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, Field<'a>)> {
        let place = self.place.clone();
        self.value.as_object().into_iter().flatten().map(move |(key, value)| {
            (key.as_str(), Field { place: format!("{place}.{key}"), value })
        })
    }
}
