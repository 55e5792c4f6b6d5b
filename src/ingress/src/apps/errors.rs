//! Refused calls: HTTP 400 with the document's code, so far as it has one.

use axum::response::{IntoResponse, Response};
use drover_service::{ApplicationRefusal as R, ServiceError};

use crate::{upload::UploadError, web::errors::WebError};

/// An upload that broke off.
const BROKEN_UPLOAD: u16 = 708;

/// A refused call of this API.
#[derive(Debug)]
pub(crate) struct AppError(WebError);

impl From<WebError> for AppError {
    fn from(error: WebError) -> Self {
        Self(match error {
            // The document's code for a call that is not the operator's to make.
            WebError::Forbidden(text) => WebError::Coded { code: 722, text },
            // It answers 400 whatever is missing; what it has a code for is an [`R`].
            WebError::NotFound(text) => WebError::Coded { code: 404, text },
            WebError::Conflict(text) => WebError::Coded { code: 409, text },
            other => other,
        })
    }
}

impl From<ServiceError> for AppError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Aborted(cause) => {
                Self(WebError::Coded { code: BROKEN_UPLOAD, text: format!("file: the upload broke off: {cause}") })
            }
            other => WebError::from(other).into(),
        }
    }
}

impl From<UploadError> for AppError {
    fn from(error: UploadError) -> Self {
        match &error {
            UploadError::NoFile => ServiceError::from(R::EmptyFile).into(),
            UploadError::Invalid { field, .. } if field == "body" => {
                Self(WebError::Coded { code: BROKEN_UPLOAD, text: error.to_string() })
            }
            UploadError::Invalid { .. } | UploadError::TooLarge { .. } => WebError::from(error).into(),
        }
    }
}

impl IntoResponse for AppError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

/// The document's code of a refusal.
pub(crate) const fn code(refusal: &R) -> u16 {
    match refusal {
        R::Unreadable(_) => 700,
        R::Unsigned => 701,
        R::WrappedBesideUnwrapped(_) => 702,
        R::SameVersion { .. } => 703,
        R::NoStoreId => 706,
        R::NotAUrl => 707,
        R::EmptyFile => 710,
        R::NoSuchApplication(_) => 711,
        R::BeingRemoved(_) => 712,
        R::NoTarget => 713,
        R::BadPush(_) => 714,
        R::NoSuchPolicy { .. } => 719,
        R::PolicyDisabled { .. } => 720,
        R::SameStatus => 721,
        R::CategoryNameTaken(_) => 723,
        R::NoSuchCategory(_) => 724,
        R::NoSuchUpload => 725,
        R::OtherPackage { .. } => 732,
        R::PolicyInUse(_) => 734,
        R::PolicyMissing => 736,
        R::PolicyOfOtherKind(_) => 737,
        R::AlreadyLinked(_) => 740,
        R::BadReplaceOrAdd => 742,
        R::CategoryInUse(_) => 751,
        R::PolicyNameTaken(_) => 759,
        R::RestrictionNameTaken(_) => 760,
        R::StartMalformed => 761,
        R::StartInThePast => 762,
        R::PublicIpa => 763,
        R::LabelWithoutUsers(_) => 764,
    }
}
