//! Parameters as OAuth wants them: none twice, an empty one is none (RFC 6749 §3.1).

use std::collections::BTreeMap;

/// Decoded parameters of a query or a form.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(BTreeMap<String, String>);

/// A parameter came twice.
#[derive(Debug, thiserror::Error)]
#[error("a parameter is included more than once")]
pub(crate) struct Repeated;

impl Params {
    /// Reads `a=b&c=d`, refusing repeated names.
    pub(crate) fn parse(encoded: &[u8]) -> Result<Self, Repeated> {
        Self::default().and(encoded)
    }

    /// Adds another source: a name in both is a repeated name.
    pub(crate) fn and(mut self, encoded: &[u8]) -> Result<Self, Repeated> {
        for (name, value) in url::form_urlencoded::parse(encoded) {
            if !value.is_empty() && self.0.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Repeated);
            }
        }
        Ok(self)
    }

    /// Reads them as the API does: a repeated name is a list, which commas write as well.
    pub(crate) fn joined(encoded: &[u8]) -> Self {
        let mut params = BTreeMap::<String, String>::new();
        for (name, value) in url::form_urlencoded::parse(encoded) {
            match params.get_mut(name.as_ref()) {
                Some(list) => {
                    list.push(',');
                    list.push_str(&value);
                }
                None if value.is_empty() => (),
                None => {
                    params.insert(name.into_owned(), value.into_owned());
                }
            }
        }
        Self(params)
    }

    /// The value, if there is one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All of them but one, encoded again.
    pub(crate) fn encode_without(&self, names: &[&str]) -> String {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(self.0.iter().filter(|(name, _)| !names.contains(&name.as_str())))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_query_and_body_is_refused_and_an_empty_value_is_none() {
        let query = Params::parse(b"realm=a&empty=").unwrap();

        assert_eq!(query.get("realm"), Some("a"));
        assert_eq!(query.get("empty"), None);
        assert!(query.and(b"realm=a").is_err());
        assert!(Params::parse(b"a=1&a=2").is_err());
    }
}
