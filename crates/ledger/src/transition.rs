//! What happens to an order, decided once for every driver: pure functions that change a [`crate::folio::Folio`].

pub(crate) mod act;
pub(crate) mod claim;
pub(crate) mod commit;
pub(crate) mod observe;
pub(crate) mod operation;
pub(crate) mod resolve;
pub(crate) mod settle;
