//! What all resources of this API have in common on the wire.
//!
//! Ids are strings in JSON and numbers in addresses; times are RFC 3339 in UTC. A list is read page by page: `next` of one is
//! `after` of the following one. In a change, what is absent stays and `null` takes away what may be taken away.

use axum::{
    Json,
    extract::Path,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use drover_domain::OrganisationId;
use drover_service::{List, ListFrom, Operator};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::BASE;
use crate::web::{WebApi, errors::WebError, params::Params};

/// The length of a page when the caller names none.
const DEFAULT_LIMIT: u32 = 100;
/// The longest text that says where a page begins.
const AFTER_MAX_CHARS: usize = 256;

/// A handler's answer.
pub(super) type Answer = Result<Response, WebError>;

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // read by name; this is what the document says of it
pub(super) struct Paging {
    /// `next` of the page before; absent for the first page.
    after: Option<String>,
    /// How many, from 1 to 1000; 100 when absent.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct ListAnswer<T> {
    /// What is on this page.
    items: Vec<T>,
    /// Where the next page begins, to be sent as `after`; `null` on the last page.
    next: Option<String>,
}

impl<T: Serialize> ListAnswer<T> {
    pub(super) fn of<R>(list: List<R>, show: impl FnMut(R) -> T) -> Response {
        let List { items, next } = list;
        Json(Self { items: items.into_iter().map(show).collect(), next }).into_response()
    }
}

/// Which page a caller wants.
pub(super) fn list_from(params: &Params) -> Result<ListFrom, WebError> {
    let after = params.text("after", AFTER_MAX_CHARS)?.map(str::to_owned);
    Ok(ListFrom { after, limit: params.number("limit")?.unwrap_or(DEFAULT_LIMIT) })
}

/// The number in an address; what is no number names nothing.
pub(super) fn id(what: &str, Path(text): &Path<String>) -> Result<i64, WebError> {
    let number = text.parse().ok().filter(|id: &i64| *id > 0);
    number.ok_or_else(|| WebError::NotFound(format!("{what} {text} does not exist")))
}

/// The organisation of the code in a field.
pub(super) async fn organisation(api: &WebApi, caller: &Operator, code: &str) -> Result<OrganisationId, WebError> {
    match api.service.organisation_by_code(caller, code).await.map_err(WebError::from) {
        Ok(organisation) => Ok(organisation.id),
        Err(WebError::NotFound(_)) => Err(WebError::invalid("organisation", "there is no organisation of this code")),
        Err(error) => Err(error),
    }
}

/// The number that a field's text is.
pub(super) fn number(field: &str, text: &str) -> Result<i64, WebError> {
    text.parse().map_err(|_| WebError::invalid(field, "is not an id"))
}

/// Something new and its address.
pub(super) fn created(address: &str, body: impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("{BASE}{address}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// Nothing to say.
pub(super) fn done() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// A time on the wire.
pub(super) fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A value that is there: `null` is one for those types alone that have it.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A text of which `null` is the empty one.
pub(super) fn text_or_null<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
}
