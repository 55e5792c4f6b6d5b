//! The real binary as real processes, against private servers that can be killed.
#![allow(clippy::unwrap_used)]

mod alerts;
mod applications;
mod bench;
mod campaign;
mod channels;
mod cli;
mod clients;
mod contract;
mod control;
mod curl_client;
mod dashboard;
mod dependencies;
mod device;
mod downloads;
mod durability;
mod fleet;
mod fleet_mqtt;
mod fleet_poll;
mod hostile;
mod jobs;
mod metrics;
mod mqtt;
mod openapi;
mod operators;
mod polling;
mod queues;
mod readme;
mod standing;
mod support;
mod sweep;
mod top;
mod traces;
mod vendor;
