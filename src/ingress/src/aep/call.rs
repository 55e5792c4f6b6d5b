//! A call whose sender is known, and how each handler starts.

use axum::extract::{MatchedPath, Request};
use drover_domain::ProductId;
use drover_messages::TraceContext;
use drover_service::{AppCredential, Caller, InvalidPage, Page, Product};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::{Gateway, auth::Claim, errors::AepError, params::Params, wire};
use crate::{body, body::Whole};

/// The page when the caller names none (S: D4; the same for the other lists).
const DEFAULT_PAGE: u32 = 1;
const DEFAULT_PAGE_SIZE: u32 = 20;

/// The largest body of a call without a list: hundreds of times what the document asks for.
const MAX_BODY_BYTES: usize = 1 << 20;

/// A call whose signature was checked.
pub(super) struct Call {
    pub state: Gateway,
    pub caller: Caller,
    pub query: Params,
    pub body: Whole,
    pub trace: TraceContext,
    master_key: Option<String>,
}

impl Call {
    /// Reads a call and checks who sent it. `declared` names the query's parameters in the document.
    pub(super) async fn read(state: &Gateway, request: Request, declared: &[&str]) -> Result<Self, AepError> {
        Self::read_up_to(MAX_BODY_BYTES.min(state.limits.max_body_bytes), state, request, declared).await
    }

    /// Like [`Call::read`] for a call whose body may hold a long list.
    pub(super) async fn read_list(state: &Gateway, request: Request, declared: &[&str]) -> Result<Self, AepError> {
        Self::read_up_to(state.limits.max_body_bytes, state, request, declared).await
    }

    async fn read_up_to(
        max_bytes: usize,
        state: &Gateway,
        request: Request,
        declared: &[&str],
    ) -> Result<Self, AepError> {
        let (parts, body) = request.into_parts();
        let unsigned = Unsigned::read(state, &parts)?;
        // Who is unknown, or comes with last week's call, is refused before its body is read.
        let credential = unsigned.claim.credential(state).await?;
        let body = body::read(body, max_bytes, &state.bodies).await?;
        unsigned.check(state, &parts, credential, declared, body)
    }

    /// Like [`Call::read`] for an upload, whose body is not signed and not read here.
    pub(super) async fn read_upload(state: &Gateway, parts: &Parts, declared: &[&str]) -> Result<Self, AepError> {
        let unsigned = Unsigned::read(state, parts)?;
        let credential = unsigned.claim.credential(state).await?;
        unsigned.check(state, parts, credential, declared, Whole::default())
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
    fn read(state: &Gateway, parts: &Parts) -> Result<Self, AepError> {
        let mut query = Params::parse(parts.uri.query().unwrap_or_default())?;
        let claim = Claim::read(&parts.headers, &mut query)?;
        let trace = parts.extensions.get().copied().unwrap_or_else(|| state.new_trace());
        Ok(Self { claim, query, trace })
    }

    /// Checks that the sender signed the call, and for this address.
    fn check(
        self,
        state: &Gateway,
        parts: &Parts,
        AppCredential { caller, secret }: AppCredential,
        declared: &[&str],
        body: Whole,
    ) -> Result<Call, AepError> {
        let Self { claim, query, trace } = self;
        let proven = claim.verify(secret.expose().as_bytes(), &query, declared, &body)?;
        // Inside of a nested router the request's own path lacks its base.
        let path = parts.extensions.get::<MatchedPath>().map_or(parts.uri.path(), MatchedPath::as_str);
        proven.only_here(state, &parts.method, path)?;
        Ok(Call { state: state.clone(), caller, query, body, trace, master_key: claim.master_key })
    }
}
