//! The real binary as real processes, against private servers that can be killed.
#![allow(clippy::unwrap_used)]

mod campaign;
mod cli;
mod contract;
mod curl_client;
mod dependencies;
mod device;
mod downloads;
mod durability;
mod hostile;
mod readme;
mod support;
mod vendor;
