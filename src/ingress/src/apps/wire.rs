//! What callers send: numbers that may be strings, lists that may be texts with commas.

use drover_domain::ApplicationType;
use drover_service::{ApplicationRefusal as R, ApplicationValues, ServiceError};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    json::{number, string},
    web::errors::WebError,
};

use super::errors::AppError;

/// The ids that a list in a body may name; what the rules allow is less.
const IDS_MAX: usize = 10_000;
const TYPES: &str = "is 1 (enterprise) or 2 (public)";

/// An id: a positive number.
pub(super) fn id(text: &str) -> Option<i64> {
    let digits = Some(text.trim()).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).filter(|id| *id > 0)
}

/// Categories with commas between them, each once. What is no number names none.
pub(super) fn categories(text: &str) -> Result<Vec<i64>, AppError> {
    let named = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let read = named.map(|part| id(part).ok_or_else(|| ServiceError::from(R::NoSuchCategory(part.to_owned()))));
    let mut ids: Vec<i64> = read.collect::<Result<_, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Kinds of devices with commas between them; what is unknown is dropped later.
pub(super) fn model_types(text: &str) -> Vec<i16> {
    text.split(',').filter_map(|part| part.trim().parse().ok()).collect()
}

/// An application's type by its number.
pub(super) fn application_type(number: i64) -> Result<ApplicationType, WebError> {
    let known = i16::try_from(number).ok().and_then(ApplicationType::from_code);
    known.ok_or_else(|| WebError::invalid("type", TYPES))
}

/// A value that travels as a number.
pub(super) fn enumerated<T>(
    field: &str,
    number: Option<i64>,
    read: fn(i16) -> Option<T>,
) -> Result<Option<T>, WebError> {
    let known = |number: i64| i16::try_from(number).ok().and_then(read);
    number
        .map(|number| known(number).ok_or_else(|| WebError::invalid(field, "is not a value of the document")))
        .transpose()
}

/// The applications in a body: a list of numbers, or a text with commas. What is no number names none.
pub(super) fn applications(sent: Value) -> Result<Option<Vec<i64>>, AppError> {
    let parts: Vec<String> = match sent {
        Value::Null => return Ok(None),
        Value::Number(number) => vec![number.to_string()],
        Value::String(text) => text.split(',').map(str::to_owned).filter(|part| !part.trim().is_empty()).collect(),
        Value::Array(list) if list.len() <= IDS_MAX => list
            .into_iter()
            .map(|entry| match entry {
                Value::String(text) => Ok(text),
                Value::Number(number) => Ok(number.to_string()),
                _ => Err(WebError::invalid("appIds", "is not a list of ids")),
            })
            .collect::<Result<_, _>>()?,
        _ => return Err(WebError::invalid("appIds", "is not a list of ids").into()),
    };
    let read = parts.into_iter().map(|part| id(&part).ok_or_else(|| ServiceError::from(R::NoSuchApplication(part))));
    Ok(Some(read.collect::<Result<_, _>>()?))
}

/// What is said of an application; an absent field says nothing.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApplicationBody {
    /// Its name.
    #[serde(default, deserialize_with = "string")]
    name: Option<String>,
    /// Free text.
    #[serde(default, deserialize_with = "string")]
    description: Option<String>,
    /// The categories it is in from now on, with commas between them; an empty text takes it out of all.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "2")]
    cates_id: Option<String>,
    /// The lowest version of the operating system.
    #[serde(default, deserialize_with = "string", alias = "iosOsVersion", alias = "androidOsVersion")]
    #[schema(example = "6.0")]
    os_version: Option<String>,
    /// Who makes it.
    #[serde(default, deserialize_with = "string", alias = "Company")]
    company: Option<String>,
    /// Kinds of iOS devices, with commas between them: 20 iPhone, 21 iPad, 22 iPad mini, 23 iTouch.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "20,21")]
    model_type: Option<String>,
}

impl ApplicationBody {
    pub(super) fn read(self) -> Result<ApplicationValues, AppError> {
        let Self { name, description, cates_id, os_version, company, model_type } = self;
        Ok(ApplicationValues {
            name,
            company,
            description,
            os_version: os_version.filter(|version| !version.is_empty()),
            model_types: model_type.as_deref().map(model_types),
            categories: cates_id.as_deref().map(categories).transpose()?,
        })
    }
}

/// An application of the store.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoreLinkBody {
    /// Its address there.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "https://itunes.apple.com/cn/app/2048/id840919914?mt=8")]
    pub(super) itunes_url: Option<String>,
    /// The categories it is to be in, with commas between them.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "2")]
    cates_id: Option<String>,
    /// The lowest version of iOS.
    #[serde(default, deserialize_with = "string", alias = "osVersion")]
    #[schema(example = "6.0")]
    ios_os_version: Option<String>,
    /// Kinds of iOS devices, with commas between them; all of them when none is known.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "20,21")]
    model_type: Option<String>,
    /// Free text.
    #[serde(default, deserialize_with = "string")]
    description: Option<String>,
}

impl StoreLinkBody {
    pub(super) fn read(self) -> Result<ApplicationValues, AppError> {
        let Self { itunes_url: _, cates_id, ios_os_version: os_version, model_type, description } = self;
        ApplicationBody { name: None, description, cates_id, os_version, company: None, model_type }.read()
    }
}

/// What becomes of an uploaded package.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SaveBody {
    /// What the upload answered.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true)]
    pub(super) app_path: Option<String>,
    /// 1 it replaces an application, 2 it is added beside the others.
    #[serde(default, deserialize_with = "string")]
    #[schema(required = true, example = "1")]
    pub(super) replace_or_add: Option<String>,
    /// Which application it replaces; may be absent when there is one.
    #[serde(default, deserialize_with = "string")]
    #[schema(example = "153")]
    pub(super) app_id: Option<String>,
    /// 1 enterprise, 2 public; as uploaded when absent.
    #[serde(default, rename = "type", deserialize_with = "number")]
    pub(super) kind: Option<i64>,
    /// What is said of it beyond what was said with the upload.
    #[serde(flatten)]
    pub(super) said: ApplicationBody,
}

/// A category.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"name": "tools", "appIds": [101, 102]}))]
pub(super) struct CategoryBody {
    /// Its name, one of its kind in the tenant.
    #[serde(default, deserialize_with = "string")]
    pub(super) name: Option<String>,
    /// Free text.
    #[serde(default, deserialize_with = "string")]
    pub(super) description: Option<String>,
    /// All applications that are to be in it, by their ids.
    #[serde(default)]
    #[schema(value_type = Vec<i64>, example = json!([101, 102]))]
    pub(super) app_ids: Value,
}
