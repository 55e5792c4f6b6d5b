//! The calls for groups and labels, which differ in their names alone.

/// Makes the handlers of one kind of set: `$one` and `$many` are what its documentation calls it.
macro_rules! user_set_handlers {
    ($kind:expr, $one:literal, $many:literal) => {
        use axum::extract::{Path, State};
        use drover_service::UserSetKind;
        use utoipa::OpenApi;

        use super::{
            members::{self, Members, MembersChanged, NewSet, SetChange, UserSetView},
            users::UserView,
            wire::{Answer, ListAnswer, Paging},
        };
        use crate::{
            web::{WebApi, auth::WebCaller, body::JsonBody, params::Params},
            openapi::{Refusals, WriteRefusals},
        };

        const KIND: UserSetKind = $kind;

        /// The calls of this file, for the family's document.
        #[derive(OpenApi)]
        #[openapi(paths(list, add, show, change, delete, members, change_members))]
        pub(crate) struct Api;

        #[utoipa::path(get, summary = concat!("Lists the ", $many, " of the caller's organisation and those below it."),
            path = concat!("/admin/v1/", $many), tag = $many, operation_id = concat!($many, "_list"),
            params(Paging, ("organisation" = Option<String>, Query,
                description = "Only those of this organisation, by its code, and below it")),
            responses((status = 200, description = "A page", body = ListAnswer<UserSetView>), Refusals))]
        pub(super) async fn list(State(api): State<WebApi>, WebCaller(caller): WebCaller, params: Params) -> Answer {
            members::list(&api, &caller, KIND, &params).await
        }

        #[utoipa::path(post, summary = concat!("Adds a ", $one, "."),
            path = concat!("/admin/v1/", $many), tag = $many, operation_id = concat!($many, "_add"),
            request_body = NewSet,
            responses((status = 201, description = "It is there; `Location` is its address", body = UserSetView,
                headers(("Location" = String))), WriteRefusals))]
        pub(super) async fn add(
            State(api): State<WebApi>,
            WebCaller(caller): WebCaller,
            JsonBody(new): JsonBody<NewSet>,
        ) -> Answer {
            members::add(&api, &caller, KIND, new).await
        }

        #[utoipa::path(get, summary = concat!("Shows a ", $one, "."),
            path = concat!("/admin/v1/", $many, "/{id}"), tag = $many,
            operation_id = concat!($many, "_show"), params(("id" = i64, Path, example = 101)),
            responses((status = 200, description = concat!("The ", $one), body = UserSetView), Refusals))]
        pub(super) async fn show(
            State(api): State<WebApi>,
            WebCaller(caller): WebCaller,
            path: Path<String>,
        ) -> Answer {
            members::show(&api, &caller, KIND, &path).await
        }

        #[utoipa::path(patch, summary = concat!("Changes a ", $one, "."),
            path = concat!("/admin/v1/", $many, "/{id}"), tag = $many,
            operation_id = concat!($many, "_change"), params(("id" = i64, Path, example = 101)),
            request_body = SetChange, responses(
                (status = 200, description = concat!("The ", $one, " as it is now"), body = UserSetView), WriteRefusals))]
        pub(super) async fn change(
            State(api): State<WebApi>,
            WebCaller(caller): WebCaller,
            path: Path<String>,
            JsonBody(change): JsonBody<SetChange>,
        ) -> Answer {
            members::change(&api, &caller, KIND, &path, change).await
        }

        #[utoipa::path(delete, summary = concat!("Removes a ", $one, "; its members stay users."),
            path = concat!("/admin/v1/", $many, "/{id}"), tag = $many,
            operation_id = concat!($many, "_delete"), params(("id" = i64, Path, example = 101)),
            responses((status = 204, description = "It is gone"), WriteRefusals))]
        pub(super) async fn delete(
            State(api): State<WebApi>,
            WebCaller(caller): WebCaller,
            path: Path<String>,
        ) -> Answer {
            members::delete(&api, &caller, KIND, &path).await
        }

        #[utoipa::path(get, summary = concat!("Lists a ", $one, "'s members within the caller's reach."),
            path = concat!("/admin/v1/", $many, "/{id}/members"), tag = $many,
            operation_id = concat!($many, "_members"), params(("id" = i64, Path, example = 101), Paging),
            responses((status = 200, description = "A page", body = ListAnswer<UserView>), Refusals))]
        pub(super) async fn members(
            State(api): State<WebApi>,
            WebCaller(caller): WebCaller,
            path: Path<String>,
            params: Params,
        ) -> Answer {
            members::members(&api, &caller, KIND, &path, &params).await
        }

        /// Adds members and takes others away.
        #[utoipa::path(patch, path = concat!("/admin/v1/", $many, "/{id}/members"), tag = $many,
            operation_id = concat!($many, "_change_members"), params(("id" = i64, Path, example = 101)),
            request_body = Members,
            responses((status = 200, description = "What changed", body = MembersChanged), WriteRefusals))]
        pub(super) async fn change_members(
            State(api): State<WebApi>,
            WebCaller(caller): WebCaller,
            path: Path<String>,
            JsonBody(change): JsonBody<Members>,
        ) -> Answer {
            members::change_members(&api, &caller, KIND, &path, change).await
        }
    };
}
pub(super) use user_set_handlers;
