//! Where an order's customer id stands: the one thing that may be read from a payload, to find a customer's orders by.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where the customer id stands in the start of an order's workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CustomerId {
    /// Nowhere: no payload is looked into.
    None,
    /// In the first argument, a JSON object: the JSON pointer (RFC 6901) to it.
    Input(String),
    /// In the search attribute of that name.
    SearchAttribute(String),
    /// In the memo field of that name.
    Memo(String),
}

impl Default for CustomerId {
    /// Where the spec's order workflow has it.
    fn default() -> Self {
        Self::Input("/customerId".to_owned())
    }
}

impl FromStr for CustomerId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = |rest: &str| Some(rest.to_owned()).filter(|rest| !rest.is_empty());
        let found = match text.split_once(':') {
            None if text.is_empty() => Some(Self::None),
            Some(("input", pointer)) if pointer.starts_with('/') => at(pointer).map(Self::Input),
            Some(("search_attribute", name)) => at(name).map(Self::SearchAttribute),
            Some(("memo", name)) => at(name).map(Self::Memo),
            _ => None,
        };
        found.ok_or_else(|| {
            format!(
                "{text:?} is no place of a customer id: write \"input:/customerId\" (a JSON pointer), \
                 \"search_attribute:NAME\", \"memo:NAME\", or \"\" for none"
            )
        })
    }
}

impl TryFrom<String> for CustomerId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<CustomerId> for String {
    fn from(place: CustomerId) -> Self {
        place.to_string()
    }
}

impl fmt::Display for CustomerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Input(pointer) => write!(f, "input:{pointer}"),
            Self::SearchAttribute(name) => write!(f, "search_attribute:{name}"),
            Self::Memo(name) => write!(f, "memo:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_and_written_alike() {
        for text in [
            "",
            "input:/customerId",
            "input:/customer/id",
            "search_attribute:CustomerId",
            "memo:customer",
        ] {
            assert_eq!(text.parse::<CustomerId>().unwrap().to_string(), text);
        }
        assert_eq!(CustomerId::default().to_string(), "input:/customerId");
    }

    #[test]
    fn what_is_no_place_is_told() {
        for text in ["customerId", "input:customerId", "memo:", "header:x"] {
            let told = text.parse::<CustomerId>().unwrap_err();
            assert!(
                told.starts_with(&format!("{text:?} is no place of a customer id")),
                "{told}"
            );
        }
    }
}
