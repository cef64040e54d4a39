//! The queue's filter as a form or an address of the pages says it.

use serde::Deserialize;

use super::escaped;
use crate::problem::{ApiError, Result};
use crate::views::ActionFilter;

/// What the fields say. An empty one says nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Filter {
    pub failure_status: String,
    pub customer_id: String,
    pub group: String,
    pub search: String,
    pub older_than_hours: String,
}

impl Filter {
    /// The same as everybody else says it.
    pub fn read(&self) -> Result<ActionFilter> {
        let hours = given(&self.older_than_hours);
        let hours = hours.map(|hours| {
            let read = hours.parse();
            read.map_err(|_| ApiError::invalid(format!("{hours:?} is no number of hours")))
        });
        Ok(ActionFilter {
            failure_status: given(&self.failure_status),
            customer_id: given(&self.customer_id),
            group: given(&self.group),
            search: given(&self.search),
            older_than_hours: hours.transpose()?,
        })
    }

    /// The fields that say something, by name: what a page hands on to the next.
    pub fn fields(&self) -> Vec<(&'static str, &str)> {
        let all = [
            ("failureStatus", &self.failure_status),
            ("customerId", &self.customer_id),
            ("group", &self.group),
            ("search", &self.search),
            ("olderThanHours", &self.older_than_hours),
        ];
        let said = all.into_iter().filter(|(_, text)| !text.is_empty());
        said.map(|(name, text)| (name, text.as_str())).collect()
    }
}

/// What a field says, where it says something.
pub(super) fn given(text: &str) -> Option<String> {
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// An address with those fields in it.
pub(super) fn address(path: &str, fields: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = fields
        .iter()
        .map(|(name, text)| format!("{name}={}", escaped(text)))
        .collect();
    format!("{path}?{}", pairs.join("&"))
}
