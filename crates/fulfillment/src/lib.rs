//! Sample and test bed: the order workflow that may fail, the simulated warehouse behind it, and the
//! scripted worker and namespaces that tests of the other crates stand on.
//!
//! Nothing of the product depends on this crate but the `demo` command.

pub mod puppet;
pub mod testbed;
