//! The Taobao TOP gateway: one address, `/router/rest`, and methods by name (`specs/top-software-list-check.md`, part C of
//! requirements.md).
//!
//! The dialect translates and decides nothing: what was sent ([`params`], [`timestamp`]), who calls ([`signature`], [`replay`],
//! [`limits`]), what is answered ([`wire`], [`errors`]), in which order a call is checked ([`gateway`]), and one file for each
//! method ([`methods`]).

mod errors;
mod gateway;
mod limits;
mod methods;
mod params;
mod replay;
mod signature;
mod timestamp;
mod wire;

#[cfg(test)]
mod tests;

use axum::{Router, response::Response, routing::any};
use http::Uri;
use tower_http::{
    CompressionLevel,
    compression::{CompressionLayer, predicate::SizeAbove},
};

use crate::{Random, family::Refusal};
use errors::TopError;
pub(crate) use gateway::Gateway;
use wire::Style;

/// The address of every method.
pub(crate) const BASE: &str = "/router/rest";
/// An answer up to this long is sent as it is: what gzip saves there costs more than it brings.
const MIN_GZIP_BYTES: u64 = 512;

/// Calls answered, by method and code.
const CALLS: &str = "drover_top_calls_total";
/// What methods are called there that do not exist, or are not known yet.
const OTHER: &str = "other";

/// The routes of this API.
pub(crate) fn router(gateway: Gateway) -> Router {
    let gzip = CompressionLayer::new().quality(CompressionLevel::Fastest);
    // Every HTTP method: that only two are allowed is an error of this API's own.
    let routes = Router::new().route(BASE, any(gateway::serve)).with_state(gateway);
    routes.layer(gzip.compress_when(SizeAbove::new(MIN_GZIP_BYTES)))
}

/// The answer to a call that no handler has seen the end of.
pub(crate) fn refuse(uri: &Uri, random: &Random, refusal: Refusal) -> Response {
    let request_id = gateway::request_id(random);
    let error = TopError::from(refusal);
    error.log(&request_id);
    gateway::count(OTHER, error.code());
    error.document().into_response(Style::of_query(uri.query().unwrap_or_default()), &request_id)
}
