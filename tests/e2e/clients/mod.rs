//! Client upgrades from end to end: an operator works over HTTP, devices listen over MQTT, and the oracle looks at the rows.

mod office;
mod scenario;
