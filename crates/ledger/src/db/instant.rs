//! A `TIMESTAMPTZ` of PostgreSQL, to the microsecond that it keeps.

use jiff::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo, PgValueFormat, PgValueRef};
use sqlx::{Decode, Encode, Postgres, Type, TypeInfo};

/// PostgreSQL counts from 2000-01-01 UTC: microseconds since 1970.
const EPOCH: i64 = 946_684_800_000_000;

/// The type's number in every PostgreSQL (`pg_type.dat`).
const TIMESTAMPTZ: Oid = Oid(1184);

/// A time as microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instant(pub i64);

impl From<Timestamp> for Instant {
    fn from(at: Timestamp) -> Self {
        Self(at.as_microsecond())
    }
}

impl Type<Postgres> for Instant {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(TIMESTAMPTZ)
    }

    fn compatible(ty: &PgTypeInfo) -> bool {
        is_timestamptz(ty)
    }
}

/// Whether a column is one.
pub(super) fn is_timestamptz(ty: &PgTypeInfo) -> bool {
    ty.name() == "TIMESTAMPTZ"
}

impl Encode<'_, Postgres> for Instant {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let since = self.0.saturating_sub(EPOCH);
        <i64 as Encode<Postgres>>::encode_by_ref(&since, buffer)
    }
}

impl<'r> Decode<'r, Postgres> for Instant {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.format() == PgValueFormat::Text {
            return Err("a time in the text format, which prepared statements never have".into());
        }
        let since = <i64 as Decode<Postgres>>::decode(value)?;
        Ok(Self(since.saturating_add(EPOCH)))
    }
}
