//! An address that need not be there: `"0.0.0.0:9420"`, or `""` for none.

use std::net::SocketAddr;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

/// Writes it.
pub fn serialize<S: Serializer>(
    address: &Option<SocketAddr>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match address {
        Some(address) => serializer.collect_str(address),
        None => serializer.serialize_str(""),
    }
}

/// Reads it.
///
/// Errors: the text is neither empty nor an address.
pub fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let bad = |_| {
        D::Error::custom(format!(
            "{text:?} is no address: write it like \"0.0.0.0:9420\", or \"\" for none"
        ))
    };
    text.parse().map(Some).map_err(bad)
}
