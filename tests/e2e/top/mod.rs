//! The TOP gateway from end to end: what operators publish over HTTP is what two clients that nobody here wrote are told.

mod callers;
mod document;
mod scenario;
mod shop;
