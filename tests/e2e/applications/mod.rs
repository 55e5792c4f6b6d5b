//! Applications from end to end: an operator works over HTTP, devices ask for their commands, and the oracle looks at the rows.

#[path = "../../../src/packages/tests/packages/build/mod.rs"]
#[allow(dead_code)] // it can build more than this test needs
pub(crate) mod build;
mod estate;
mod scenario;
