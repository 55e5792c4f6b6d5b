//! What calls of this API say in their addresses and queries.

use axum::extract::{FromRequestParts, RawPathParams};
use drover_domain::{ApplicationId, CategoryId, RestrictionId};
use drover_service::{ApplicationRefusal, InvalidPage, ServiceError, Window};
use http::request::Parts;

use super::{errors::AppError, wire};
use crate::web::{WebApi, errors::WebError, params::Params};

/// The rows of a list when the caller does not say how many.
const DEFAULT_LIMIT: u32 = 50;

/// The application in the address; what is no number names none.
pub(super) struct AppId(pub(super) ApplicationId);

impl FromRequestParts<WebApi> for AppId {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, api: &WebApi) -> Result<Self, AppError> {
        let text = first(parts, api).await;
        match wire::id(&text) {
            Some(id) => Ok(Self(ApplicationId(id))),
            None => Err(ServiceError::from(ApplicationRefusal::NoSuchApplication(text)).into()),
        }
    }
}

/// The black or white list in the address; what is no number names none.
pub(super) struct ListId(pub(super) RestrictionId);

impl FromRequestParts<WebApi> for ListId {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, api: &WebApi) -> Result<Self, AppError> {
        let id = first(parts, api).await;
        match wire::id(&id) {
            Some(id) => Ok(Self(RestrictionId(id))),
            None => Err(ServiceError::from(ApplicationRefusal::NoSuchPolicy { what: "list", id }).into()),
        }
    }
}

/// The categories in the address, with commas between them; what is no number names none.
pub(super) struct CategoryIds(pub(super) Vec<CategoryId>);

impl FromRequestParts<WebApi> for CategoryIds {
    type Rejection = AppError;

    async fn from_request_parts(parts: &mut Parts, api: &WebApi) -> Result<Self, AppError> {
        Ok(Self(wire::categories(&first(parts, api).await)?.into_iter().map(CategoryId).collect()))
    }
}

async fn first(parts: &mut Parts, api: &WebApi) -> String {
    let path = RawPathParams::from_request_parts(parts, api).await;
    path.ok().and_then(|path| path.iter().next().map(|(_, text)| text.to_owned())).unwrap_or_default()
}

/// `offset` and `limit`.
pub(super) fn window(params: &Params) -> Result<Window, WebError> {
    let (offset, limit) = (params.number("offset")?.unwrap_or(0), params.number("limit")?.unwrap_or(DEFAULT_LIMIT));
    Window::new(offset, limit).map_err(|error| match error {
        InvalidPage::Size => WebError::invalid("limit", "is from 1 to 1000"),
        InvalidPage::Number => {
            WebError::invalid("offset", "reaches further than 100,000 rows; search for what lies there")
        }
    })
}

/// Which part of a list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code)] // read by name; this is what the document says of it
pub(super) struct Paging {
    /// How many rows come before the first one, 0 unless given.
    #[param(minimum = 0, maximum = 99_000)]
    offset: Option<u32>,
    /// 1 to 1000, 50 unless given.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
}
