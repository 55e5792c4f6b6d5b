//! B5, B7 and B8: an application is pushed, taken back, and removed altogether.

use axum::{
    Extension,
    extract::{FromRequest, FromRequestParts, Request, State},
};
use drover_messages::TraceContext;
use drover_service::Targets;
use serde::Deserialize;
use utoipa::OpenApi;

use super::{
    errors::AppError,
    params::AppId,
    push_body::PushBody,
    targets::{self, Ids},
};
use crate::{
    openapi::AppRefusals,
    web::{
        WebApi,
        auth::WebCaller,
        body::{Done, JsonBody, OptionalJson},
        params::Params,
    },
};

/// The handlers of this file.
#[derive(OpenApi)]
#[openapi(paths(push, take_back, remove))]
pub(crate) struct Api;

/// Pushes an application to the devices of users, of groups or of labels. Answers at once, however many they are; who joins
/// them later is given what was required.
#[utoipa::path(
    post, path = "/apps/app/{appId}/push", tag = "applications", operation_id = "applications_push",
    params(("appId" = i64, Path, description = "The application", example = 101)), request_body = PushBody,
    responses((status = 200, description = "It is on its way", body = Done), AppRefusals)
)]
pub(super) async fn push(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    AppId(id): AppId,
    Extension(trace): Extension<TraceContext>,
    JsonBody(body): JsonBody<PushBody>,
) -> Result<Done, AppError> {
    operator.require_write()?;
    let request = body.read(&operator)?;
    api.service.push_application(&operator, id, &request, trace).await?;
    Ok(Done {})
}

/// Takes an application back from users and groups: it is removed from their devices, and those that join them later are not
/// given it. The call does not wait for the devices. The ids may stand in the query, in a form or in a JSON body.
#[utoipa::path(
    delete, path = "/apps/app/{appId}/push", tag = "applications", operation_id = "applications_take_back",
    params(
        ("appId" = i64, Path, description = "The application", example = 101),
        ("groupIds" = Option<String>, Query, description = "Groups, with commas between them; -2 is the default group", example = "-2"),
        ("userIds" = Option<String>, Query, description = "Users, with commas between them; also as `useIds`", example = "101"),
    ),
    responses((status = 200, description = "Their devices are being told", body = Done), AppRefusals)
)]
pub(super) async fn take_back(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    AppId(id): AppId,
    Extension(trace): Extension<TraceContext>,
    TakenFrom(from): TakenFrom,
) -> Result<Done, AppError> {
    operator.require_write()?;
    api.service.take_application_back(&operator, id, &from, trace).await?;
    Ok(Done {})
}

/// Removes an application: from every device that it was pushed to, and then altogether. The call does not wait for the
/// devices.
#[utoipa::path(
    delete, path = "/apps/app/{appId}", tag = "applications", operation_id = "applications_remove",
    params(("appId" = i64, Path, description = "The application", example = 103)),
    responses((status = 200, description = "It goes", body = Done), AppRefusals)
)]
pub(super) async fn remove(
    State(api): State<WebApi>,
    WebCaller(operator): WebCaller,
    AppId(id): AppId,
    Extension(trace): Extension<TraceContext>,
) -> Result<Done, AppError> {
    operator.require_write()?;
    api.service.remove_application(&operator, id, trace).await?;
    Ok(Done {})
}

/// Whom an application is taken back from.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct TakeBackBody {
    #[serde(rename = "groupIds")]
    groups: Ids,
    #[serde(rename = "userIds")]
    users: Ids,
    /// As the document's sample has it.
    #[serde(rename = "useIds")]
    named_users: Ids,
}

/// The same, wherever it stands in the call.
pub(super) struct TakenFrom(Targets);

impl FromRequest<WebApi> for TakenFrom {
    type Rejection = AppError;

    async fn from_request(request: Request, api: &WebApi) -> Result<Self, AppError> {
        let (mut parts, body) = request.into_parts();
        let params = Params::from_request_parts(&mut parts, api).await?;
        let OptionalJson(body) =
            OptionalJson::<TakeBackBody>::from_request(Request::from_parts(parts, body), api).await?;
        let body = body.unwrap_or_default();
        let groups = body.groups.and(Ids::of_parameter(&params, "groupIds")?);
        let users = body.users.and(body.named_users);
        let users = users.and(Ids::of_parameter(&params, "userIds")?).and(Ids::of_parameter(&params, "useIds")?);
        Ok(Self(targets::targets(users, groups, Ids::default())?))
    }
}
