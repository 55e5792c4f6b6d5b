//! A call whose sender is known, and how each handler starts.

use axum::extract::Request;
use bytes::Bytes;
use drover_domain::ProductId;
use drover_messages::TraceContext;
use drover_service::{AppCredential, Caller, InvalidPage, Page, Product};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::{auth::Claim, errors::AepError, params::Params, wire};
use crate::{AppState, body};

/// The page when the caller names none (S: D4; the same for the other lists).
const DEFAULT_PAGE: u32 = 1;
const DEFAULT_PAGE_SIZE: u32 = 20;

/// A call whose signature was checked.
pub(super) struct Call {
    pub state: AppState,
    pub caller: Caller,
    pub query: Params,
    pub body: Bytes,
    pub trace: TraceContext,
    master_key: Option<String>,
}

impl Call {
    /// Reads a call and checks who sent it. `declared` names the query's parameters in the document.
    pub(super) async fn read(state: &AppState, request: Request, declared: &[&str]) -> Result<Self, AepError> {
        let (parts, body) = request.into_parts();
        let Unsigned { claim, query, trace } = Unsigned::read(state, &parts)?;
        // Who is unknown, or comes with last week's call, is refused before its body is read.
        let AppCredential { caller, secret } = claim.credential(state).await?;
        let body = body::read(body, state.limits.max_body_bytes).await?;
        claim.verify(secret.expose().as_bytes(), &query, declared, &body)?;
        Ok(Self { state: state.clone(), caller, query, body, trace, master_key: claim.master_key })
    }

    /// Like [`Call::read`] for an upload, whose body is not signed and not read here.
    pub(super) async fn read_upload(state: &AppState, parts: &Parts, declared: &[&str]) -> Result<Self, AepError> {
        let Unsigned { claim, query, trace } = Unsigned::read(state, parts)?;
        let AppCredential { caller, secret } = claim.credential(state).await?;
        claim.verify(secret.expose().as_bytes(), &query, declared, b"")?;
        Ok(Self { state: state.clone(), caller, query, body: Bytes::new(), trace, master_key: claim.master_key })
    }

    /// The product of the query.
    pub(super) async fn product_of_query(&self) -> Result<Product, AepError> {
        self.product(self.query.id("productId")?).await
    }

    /// A product that the caller may act on.
    pub(super) async fn product(&self, id: i64) -> Result<Product, AepError> {
        Ok(self.state.service.product(&self.caller, ProductId(id), self.master_key.as_deref()).await?)
    }

    /// The body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, AepError> {
        wire::body(&self.body)
    }

    /// `pageNow` and `pageSize`.
    pub(super) fn page(&self) -> Result<Page, AepError> {
        let number = self.query.number("pageNow")?.unwrap_or(DEFAULT_PAGE);
        let size = self.query.number("pageSize")?.unwrap_or(DEFAULT_PAGE_SIZE);
        page(number, size)
    }
}

fn page(number: u32, size: u32) -> Result<Page, AepError> {
    Page::new(number, size).map_err(|error| {
        let field = match error {
            InvalidPage::Size => "pageSize",
            InvalidPage::Number => "pageNow",
        };
        AepError::bad(field, error.to_string())
    })
}

/// A call as it came in.
struct Unsigned {
    claim: Claim,
    query: Params,
    trace: TraceContext,
}

impl Unsigned {
    fn read(state: &AppState, parts: &Parts) -> Result<Self, AepError> {
        let mut query = Params::parse(parts.uri.query().unwrap_or_default())?;
        let claim = Claim::read(&parts.headers, &mut query)?;
        let trace = parts.extensions.get().copied().unwrap_or_else(|| state.new_trace());
        Ok(Self { claim, query, trace })
    }
}
