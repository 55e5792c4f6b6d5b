//! Devices: who they are, what they log in with, and which organisation they belong to.

pub(crate) mod device_auth;
pub(crate) mod device_tokens;
pub(crate) mod inventory;
mod leaving;
pub(crate) mod managed_devices;
pub(crate) mod revocation;
