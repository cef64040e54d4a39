//! How somebody looks at the pages.

/// A window, and what its owner prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Its size, in CSS pixels.
    pub width: u32,
    pub height: u32,
    /// Pixels of the screen in each of them.
    pub scale: u32,
    pub dark: bool,
    /// Whether scripts run.
    pub scripts: bool,
}

/// A desk by day.
pub const DESK: Look = Look {
    width: 1280,
    height: 900,
    scale: 1,
    dark: false,
    scripts: true,
};
/// A desk at night.
pub const NIGHT: Look = Look { dark: true, ..DESK };
/// A phone.
pub const PHONE: Look = Look {
    width: 390,
    height: 844,
    scale: 2,
    ..DESK
};
/// A phone at 3 a.m.
pub const BEDSIDE: Look = Look {
    dark: true,
    ..PHONE
};
/// A browser that runs no scripts.
pub const BARE: Look = Look {
    scripts: false,
    ..DESK
};
