//! One way to talk to either database, so that there is one set of statements and not two drivers.
//!
//! A [`Statement`] is one text where both databases understand it, and two where they do not; a [`Value`] is bound, and a
//! [`Row`] read, in the same way. Times are microseconds in both.

mod conn;
mod instant;
mod query;
mod row;
mod statement;
mod value;

pub(crate) use conn::{Conn, Tx};
pub(crate) use query::Query;
pub(crate) use row::Row;
pub(crate) use statement::Statement;
pub(crate) use value::{Value, args, storable};
