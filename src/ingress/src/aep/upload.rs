//! The multipart form of an upload, read as it flows: some text fields, then the file, last.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderMap, header};
use multer::{Constraints, Field, Multipart, SizeLimit};

use super::errors::AepError;
use crate::{
    Limits, body,
    body::{BoxError, BoxStream, Idle},
};

/// The longest text field, in bytes: a description of 1,024 characters fits.
const MAX_FIELD_BYTES: u64 = 8 << 10;
/// The most that may come before the file begins: fields, part headers, boundaries, and what the first read of the
/// connection brings with them.
const MAX_HEAD_BYTES: usize = 1 << 20;
/// The most text fields.
const MAX_FIELDS: usize = 16;

/// The text fields of an upload, as they came.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub name: Option<String>,
    pub version: Option<String>,
    pub description: Option<String>,
    pub upgrade_plan: Option<String>,
    pub create_by: Option<String>,
    /// The name of the file part.
    pub file_name: Option<String>,
}

/// An upload that was read up to its file.
pub(super) struct Upload {
    pub fields: Fields,
    multipart: Multipart<'static>,
    file: Field<'static>,
}

impl Upload {
    /// Reads the form up to the beginning of its file.
    pub(super) async fn open(headers: &HeaderMap, body: Body, limits: &Limits) -> Result<Self, AepError> {
        // What cannot fit is refused before it is sent. The form around the file is small.
        let max_form_bytes = limits.max_upload_bytes.saturating_add(MAX_HEAD_BYTES as u64);
        if content_length(headers).is_some_and(|length| length > max_form_bytes) {
            return Err(AepError::bad("file", format!("is larger than {} bytes", limits.max_upload_bytes)));
        }
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(content_type)
            .map_err(|_| AepError::bad("Content-Type", "must be multipart/form-data with a boundary"))?;
        let in_file = Arc::new(AtomicBool::new(false));
        let chunks = Box::pin(body::not_idle(body.into_data_stream(), limits.idle_timeout));
        let paced = Paced { chunks, in_file: Arc::clone(&in_file), head_bytes: 0, rests: false };
        let sizes =
            SizeLimit::new().whole_stream(max_form_bytes).per_field(MAX_FIELD_BYTES).for_field("file", u64::MAX);
        let mut multipart = Multipart::with_constraints(paced, boundary, Constraints::new().size_limit(sizes));
        let mut fields = Fields::default();
        for _ in 0..=MAX_FIELDS {
            let Some(field) = multipart.next_field().await.map_err(malformed)? else {
                return Err(AepError::bad("file", "is missing"));
            };
            if field.name() == Some("file") {
                in_file.store(true, Ordering::Relaxed);
                fields.file_name = field.file_name().map(str::to_owned);
                return Ok(Self { fields, multipart, file: field });
            }
            fields.take(field).await?;
        }
        Err(AepError::bad("body", format!("has more than {MAX_FIELDS} fields before the file")))
    }

    /// The file, chunk by chunk. It ends well only when the form does: a form cut short, or one that goes on after its
    /// file, is an error, and nothing of it is kept.
    pub(super) fn into_file(self) -> BoxStream {
        Box::pin(stream::try_unfold((self.multipart, Some(self.file)), |(mut multipart, file)| async move {
            let Some(mut file) = file else { return Ok(None) };
            if let Some(chunk) = file.chunk().await? {
                return Ok(Some((chunk, (multipart, Some(file)))));
            }
            // The next part cannot be asked for while this one is held.
            drop(file);
            match multipart.next_field().await? {
                None => Ok(None),
                Some(_) => Err("the file must be the last part".into()),
            }
        }))
    }
}

impl Fields {
    /// Keeps a text field; unknown ones are read and forgotten.
    async fn take(&mut self, field: Field<'static>) -> Result<(), AepError> {
        let name = field.name().unwrap_or_default().to_owned();
        let slot = match name.as_str() {
            "name" => Some(&mut self.name),
            "version" => Some(&mut self.version),
            "description" => Some(&mut self.description),
            "upgradePlan" => Some(&mut self.upgrade_plan),
            "createBy" => Some(&mut self.create_by),
            _ => None,
        };
        let value = field.bytes().await.map_err(malformed)?;
        let Some(slot) = slot else { return Ok(()) };
        let value = String::from_utf8(value.into()).map_err(|_| AepError::bad(&name, "is not UTF-8"))?;
        if slot.replace(value).is_some() {
            return Err(AepError::bad(&name, "is given twice"));
        }
        Ok(())
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A form that cannot be read is its sender's mistake.
fn malformed(error: multer::Error) -> AepError {
    match error {
        multer::Error::FieldSizeExceeded { limit, field_name } => {
            AepError::bad(field_name.as_deref().unwrap_or("body"), format!("is larger than {limit} bytes"))
        }
        multer::Error::StreamReadFailed(cause) if cause.is::<Idle>() || cause.is::<HeadTooLarge>() => {
            AepError::bad("body", cause.to_string())
        }
        other => AepError::bad("body", format!("is no whole form: {other}")),
    }
}

/// More than [`MAX_HEAD_BYTES`] came before the file.
#[derive(Debug, thiserror::Error)]
#[error("more than {MAX_HEAD_BYTES} bytes come before the file")]
struct HeadTooLarge;

/// Keeps multer's memory small. It reads all that is ready before it looks at any of it, and it looks for the end of a
/// part's headers without a limit; so it gets one chunk a poll, and not too much before the file.
struct Paced<S> {
    chunks: S,
    in_file: Arc<AtomicBool>,
    head_bytes: usize,
    rests: bool,
}

impl<S: Stream<Item = Result<Bytes, BoxError>> + Unpin> Stream for Paced<S> {
    type Item = Result<Bytes, BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if std::mem::take(&mut self.rests) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = ready!(Pin::new(&mut self.chunks).poll_next(cx));
        let Some(Ok(chunk)) = &next else { return Poll::Ready(next) };
        self.rests = true;
        if !self.in_file.load(Ordering::Relaxed) {
            self.head_bytes += chunk.len();
            if self.head_bytes > MAX_HEAD_BYTES {
                return Poll::Ready(Some(Err(HeadTooLarge.into())));
            }
        }
        Poll::Ready(next)
    }
}

#[cfg(test)]
mod tests;
