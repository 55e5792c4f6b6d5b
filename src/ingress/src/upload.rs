//! The multipart form of an upload, read as it flows: some text fields and the file, last or among them.

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

use crate::{
    Limits, body,
    body::{BoxError, BoxStream, Idle},
};

/// The longest text field, in bytes: a description of 1,024 characters fits.
const MAX_FIELD_BYTES: u64 = 8 << 10;
/// The most that may come before and after the file: fields, part headers, boundaries, and what the first read of the
/// connection brings with them.
const MAX_HEAD_BYTES: usize = 1 << 20;
/// The most text fields before the file, and after it.
const MAX_FIELDS: usize = 16;

/// Why an upload was refused before its file was read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UploadError {
    /// A field, or the form itself, is not as it must be.
    #[error("{field}: {reason}")]
    Invalid {
        /// The field.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The form has no file.
    #[error("file: is missing")]
    NoFile,
    /// The form announces more than may be uploaded.
    #[error("file: is larger than {max_bytes} bytes")]
    TooLarge {
        /// What may be uploaded.
        max_bytes: u64,
    },
}

impl UploadError {
    fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self::Invalid { field: field.to_owned(), reason: reason.into() }
    }
}

/// The text fields of an upload, as they came.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(&'static str, String)>);

impl Fields {
    /// A field, or `None` when it was not sent or taken before.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.swap_remove(index).1)
    }

    /// Keeps a text field of a known name; others are read and forgotten.
    async fn keep(&mut self, known: &[&'static str], field: Field<'static>) -> Result<(), UploadError> {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.bytes().await.map_err(malformed)?;
        let Some(name) = known.iter().copied().find(|known| *known == name) else { return Ok(()) };
        let value = String::from_utf8(value.into()).map_err(|_| UploadError::invalid(name, "is not UTF-8"))?;
        if self.0.iter().any(|(kept, _)| *kept == name) {
            return Err(UploadError::invalid(name, "is given twice"));
        }
        self.0.push((name, value));
        Ok(())
    }
}

/// An upload that was read up to its file.
pub(crate) struct Upload {
    /// The text fields before the file.
    pub(crate) fields: Fields,
    /// The name of the file part.
    pub(crate) file_name: Option<String>,
    multipart: Multipart<'static>,
    file: Option<Field<'static>>,
    in_file: Arc<AtomicBool>,
}

impl Upload {
    /// Reads the form up to the beginning of its file, and keeps the text fields that are `known`.
    pub(crate) async fn open(
        headers: &HeaderMap,
        body: Body,
        limits: &Limits,
        known: &[&'static str],
    ) -> Result<Self, UploadError> {
        // What cannot fit is refused before it is sent. The form around the file is small.
        let max_form_bytes = limits.max_upload_bytes.saturating_add(MAX_HEAD_BYTES as u64);
        if content_length(headers).is_some_and(|length| length > max_form_bytes) {
            return Err(UploadError::TooLarge { max_bytes: limits.max_upload_bytes });
        }
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(content_type)
            .map_err(|_| UploadError::invalid("Content-Type", "must be multipart/form-data with a boundary"))?;
        let in_file = Arc::new(AtomicBool::new(false));
        let chunks = Box::pin(body::not_idle(body.into_data_stream(), limits.idle_timeout));
        let paced = Paced { chunks, in_file: Arc::clone(&in_file), head_bytes: 0, rests: false };
        let sizes =
            SizeLimit::new().whole_stream(max_form_bytes).per_field(MAX_FIELD_BYTES).for_field("file", u64::MAX);
        let mut multipart = Multipart::with_constraints(paced, boundary, Constraints::new().size_limit(sizes));
        let mut fields = Fields::default();
        for _ in 0..=MAX_FIELDS {
            let Some(field) = multipart.next_field().await.map_err(malformed)? else {
                return Err(UploadError::NoFile);
            };
            if field.name() == Some("file") {
                in_file.store(true, Ordering::Relaxed);
                let file_name = field.file_name().map(str::to_owned);
                return Ok(Self { fields, file_name, multipart, file: Some(field), in_file });
            }
            fields.keep(known, field).await?;
        }
        Err(UploadError::invalid("body", format!("has more than {MAX_FIELDS} fields before the file")))
    }

    /// The file, chunk by chunk. It ends well only when the form does: a form cut short, or one that goes on after its
    /// file, is an error, and nothing of it is kept.
    pub(crate) fn into_file(self) -> BoxStream {
        Box::pin(stream::try_unfold(self, |mut upload| async move {
            if let Some(chunk) = upload.chunk().await? {
                return Ok(Some((chunk, upload)));
            }
            match upload.multipart.next_field().await? {
                None => Ok(None),
                Some(_) => Err("the file must be the last part".into()),
            }
        }))
    }

    /// The file, chunk by chunk, of a form that may go on after it: [`finish`](Self::finish) reads the rest.
    pub(crate) fn file(&mut self) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + Unpin + '_ {
        Box::pin(stream::try_unfold(
            self,
            |upload| async move { Ok(upload.chunk().await?.map(|chunk| (chunk, upload))) },
        ))
    }

    /// Reads the form from the end of its file to its own. Returns the text fields that are `known`, those before the file
    /// too.
    pub(crate) async fn finish(mut self, known: &[&'static str]) -> Result<Fields, UploadError> {
        // The next part cannot be asked for while this one is held; what is left of it is skipped.
        self.end_file();
        for _ in 0..=MAX_FIELDS {
            match self.multipart.next_field().await.map_err(malformed)? {
                None => return Ok(self.fields),
                Some(field) if field.name() == Some("file") => {
                    return Err(UploadError::invalid("file", "is given twice"));
                }
                Some(field) => self.fields.keep(known, field).await?,
            }
        }
        Err(UploadError::invalid("body", format!("has more than {MAX_FIELDS} fields after the file")))
    }

    /// The next chunk of the file.
    async fn chunk(&mut self) -> Result<Option<Bytes>, multer::Error> {
        let Some(file) = &mut self.file else { return Ok(None) };
        let chunk = file.chunk().await?;
        if chunk.is_none() {
            self.end_file();
        }
        Ok(chunk)
    }

    /// From here on what comes is bounded as it was before the file.
    fn end_file(&mut self) {
        self.file = None;
        self.in_file.store(false, Ordering::Relaxed);
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// A form that cannot be read is its sender's mistake.
fn malformed(error: multer::Error) -> UploadError {
    match error {
        multer::Error::FieldSizeExceeded { limit, field_name } => {
            UploadError::invalid(field_name.as_deref().unwrap_or("body"), format!("is larger than {limit} bytes"))
        }
        multer::Error::StreamReadFailed(cause) if cause.is::<Idle>() || cause.is::<HeadTooLarge>() => {
            UploadError::invalid("body", cause.to_string())
        }
        other => UploadError::invalid("body", format!("is no whole form: {other}")),
    }
}

/// More than [`MAX_HEAD_BYTES`] came outside of the file.
#[derive(Debug, thiserror::Error)]
#[error("more than {MAX_HEAD_BYTES} bytes come outside of the file")]
struct HeadTooLarge;

/// Keeps multer's memory small. It reads all that is ready before it looks at any of it, and it looks for the end of a
/// part's headers without a limit; so it gets one chunk a poll, and not too much outside of the file.
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
