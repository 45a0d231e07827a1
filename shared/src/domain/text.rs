//! How a type that is read from text is described: by a pattern that stands beside its parser.

/// Describes `$name` as text of the form `$pattern` (ECMA-262). What it takes, its parser must.
macro_rules! text_schema {
    ($name:ident, $description:expr, $pattern:expr $(, $example:literal)?) => {
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .description(Some(str::trim($description)))
                    .pattern(Some($pattern))
                    $(.examples([$example]))?
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}
pub(crate) use text_schema;

/// Checks that a parser takes whatever the description promises.
#[cfg(test)]
pub(crate) fn takes_its_pattern<T: std::str::FromStr<Err: std::fmt::Debug> + utoipa::ToSchema>() {
    use proptest::{strategy::Strategy, string::string_regex, test_runner::TestRunner};

    let schema = serde_json::to_value(T::schema()).unwrap();
    let pattern = schema["pattern"].as_str().unwrap();
    let texts = string_regex(pattern.trim_start_matches('^').trim_end_matches('$')).unwrap();
    let texts = texts.prop_filter("the pattern is anchored", |text| !text.is_empty());
    TestRunner::deterministic()
        .run(&texts, |text| {
            assert!(text.parse::<T>().is_ok(), "{text:?} of {pattern}");
            Ok(())
        })
        .unwrap();
}

#[cfg(test)]
mod tests {
    use super::takes_its_pattern;
    use crate::{
        domain::{
            enrollment::UserRef,
            ids::{EnrollmentId, EventId, RemoteId, RuleId, WebhookId},
            remote::TimeOfDay,
            vin::Vin,
        },
        round_trip::AccountLabel,
    };

    #[test]
    fn whatever_fits_a_pattern_is_taken() {
        takes_its_pattern::<EnrollmentId>();
        takes_its_pattern::<EventId>();
        takes_its_pattern::<RemoteId>();
        takes_its_pattern::<RuleId>();
        takes_its_pattern::<WebhookId>();
        takes_its_pattern::<UserRef>();
        takes_its_pattern::<Vin>();
        takes_its_pattern::<TimeOfDay>();
        takes_its_pattern::<AccountLabel>();
    }
}
