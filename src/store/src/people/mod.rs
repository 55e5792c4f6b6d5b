//! Who works with the fleet and how it is divided: organisations, operators, users, groups and labels.

pub mod named;
pub mod operators;
pub mod organisations;
pub mod reach;
pub mod scope;
pub mod set_imports;
pub mod tokens;
pub mod user_sets;
pub mod users;
