//! What calls of this API say in their addresses.

use axum::extract::{FromRequestParts, RawPathParams};
use drover_domain::{ApplicationId, CategoryId, RestrictionId};
use drover_service::{ApplicationRefusal, ServiceError};
use http::request::Parts;

use super::{errors::AppError, wire};
use crate::web::WebApi;

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
