//! Applications and categories in the document's words.

use drover_service::{ApplicationRecord, FilledCategory, Service};
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::time;

/// The name that an icon is downloaded under.
const ICON_NAME: &str = "icon.png";
const BYTES_IN_M: i128 = 1 << 20;

/// An application that was saved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SavedAnswer {
    /// The application.
    #[schema(example = "152")]
    pub(super) app_id: String,
    /// 1 Android, 2 iOS.
    #[schema(example = 2)]
    pub(super) platform: i16,
}

/// An application of the store that was saved.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct StoreAnswer {
    /// The application.
    #[schema(example = "152")]
    pub(super) app_id: String,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Rows<T> {
    /// Rows in the whole list.
    pub(super) total: i64,
    /// The rows of this page.
    pub(super) rows: Vec<T>,
}

/// One application.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DetailAnswer {
    /// The application.
    pub(super) app_detail_vo: DetailView,
}

/// An application.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DetailView {
    id: i64,
    /// Who added it.
    login_id: String,
    name: String,
    /// Its package; `id` and its number of one of the store.
    pkgname: String,
    /// The version as people read it.
    version: String,
    /// 0, or 1 while devices are being told to remove it.
    status: i16,
    /// A link to its icon, good for some time.
    icon: Option<String>,
    /// 1 enterprise, 2 public.
    #[serde(rename = "type")]
    kind: i16,
    /// Of one of the store.
    #[schema(example = "0.0")]
    price: Option<String>,
    /// Length in bytes.
    app_size: i64,
    #[schema(example = "56.01M")]
    size_string: String,
    company: String,
    /// Of one of the store.
    itunes_store_id: Option<i64>,
    /// 1 Android, 2 iOS.
    platform: i16,
    /// A link to its file, good for some time, or its address in the store.
    source: String,
    /// The lowest version of the operating system.
    os_version: Option<String>,
    description: String,
    /// Its categories, with commas between them.
    cates_id: Option<String>,
    /// The names of its categories, with commas between them.
    cate_name: String,
    /// When it is pushed next, if that is scheduled.
    #[schema(example = "2015-12-01 08:23:00")]
    start_time: Option<String>,
    /// The name that its file was uploaded under.
    file_name: Option<String>,
}

/// An application in a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListRow {
    id: i64,
    /// Who added it.
    login_id: String,
    name: String,
    /// Its package; `id` and its number of one of the store.
    pkgname: String,
    /// The name that its file was uploaded under.
    file_name: Option<String>,
    /// The version as people read it.
    version: String,
    /// A link to its icon, good for some time.
    icon: Option<String>,
    /// Of one of the store.
    price: Option<String>,
    /// Length in bytes.
    size: i64,
    #[schema(example = "56.01M")]
    size_string: String,
    company: String,
    /// 1 Android, 2 iOS.
    platform: i16,
    /// A link to its file, good for some time, or its address in the store.
    source: String,
    /// Nobody counts downloads.
    download_count: Option<i64>,
    /// 1 enterprise, 2 public.
    #[serde(rename = "type")]
    kind: i16,
    /// 0, or 1 while devices are being told to remove it.
    status: i16,
    #[schema(example = "2015-12-16 15:34:11")]
    create_time: String,
    #[schema(example = "2015-12-16 15:34:11")]
    update_time: String,
    description: String,
    /// 0 normal, 2 container, 3 built-in.
    domain_type: i16,
    /// When it is pushed next, if that is scheduled.
    start_time: Option<String>,
    /// The version as the package compares it.
    version_code: Option<String>,
    /// Devices that have it.
    install_count: i64,
    /// Devices that it was pushed to.
    push_count: i64,
    /// Of one of the store.
    #[serde(rename = "iTunesStoreId")]
    i_tunes_store_id: Option<i64>,
    /// The same, in the document's other spelling.
    itunes_store_id: Option<i64>,
    /// Its categories, with commas between them.
    cates_id: Option<String>,
    /// The names of its categories.
    category_name: Vec<String>,
}

/// A category.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CategoryView {
    id: i64,
    name: String,
    description: String,
    /// Categories are not below each other.
    parent_id: Option<i64>,
    /// Milliseconds since 1970.
    create_time: i64,
    /// Milliseconds since 1970.
    update_time: i64,
    /// Who made it.
    login_id: String,
    /// Always null; the applications are in `appList`.
    app_ids: Option<Vec<i64>>,
    /// What is in it, the first 1000.
    app_list: Vec<CategoryApplication>,
}

/// An application of a category.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CategoryApplication {
    app_id: i64,
    name: String,
}

/// An application by itself, in a tenant's time.
pub(super) fn detail(service: &Service, found: ApplicationRecord, utc_offset_minutes: i16) -> DetailView {
    let (names, cates_id) = categories(&found);
    DetailView {
        id: found.id.0,
        icon: icon(service, &found),
        source: source(service, &found),
        size_string: in_m(found.size_bytes),
        cates_id,
        cate_name: names.join(","),
        start_time: found.starts_at.map(|at| time::text(at, utc_offset_minutes)),
        login_id: found.created_by,
        name: found.name,
        pkgname: found.package_name,
        version: found.version_name,
        status: i16::from(found.is_removing),
        kind: found.kind.code(),
        price: found.price,
        app_size: found.size_bytes,
        company: found.company,
        itunes_store_id: found.itunes_store_id,
        platform: found.platform.code(),
        os_version: given(found.os_version),
        description: found.description,
        file_name: found.file_name,
    }
}

/// An application in a list, in a tenant's time.
pub(super) fn row(service: &Service, found: ApplicationRecord, utc_offset_minutes: i16) -> ListRow {
    let (category_name, cates_id) = categories(&found);
    let text = |at| time::text(at, utc_offset_minutes);
    ListRow {
        id: found.id.0,
        icon: icon(service, &found),
        source: source(service, &found),
        size_string: in_m(found.size_bytes),
        cates_id,
        category_name,
        start_time: found.starts_at.map(text),
        create_time: text(found.created_at),
        update_time: text(found.updated_at),
        login_id: found.created_by,
        name: found.name,
        pkgname: found.package_name,
        file_name: found.file_name,
        version: found.version_name,
        price: found.price,
        size: found.size_bytes,
        company: found.company,
        platform: found.platform.code(),
        download_count: None,
        kind: found.kind.code(),
        status: i16::from(found.is_removing),
        description: found.description,
        domain_type: found.domain_type.code(),
        version_code: given(found.version_code),
        install_count: found.installed,
        push_count: found.pushed,
        i_tunes_store_id: found.itunes_store_id,
        itunes_store_id: found.itunes_store_id,
    }
}

/// A category and what is in it.
pub(super) fn category(found: FilledCategory) -> CategoryView {
    let FilledCategory { category, applications } = found;
    let listed = applications.into_iter().map(|(id, name)| CategoryApplication { app_id: id.0, name });
    CategoryView {
        id: category.id.0,
        name: category.name,
        description: category.description,
        parent_id: None,
        create_time: category.created_at.timestamp_millis(),
        update_time: category.updated_at.timestamp_millis(),
        login_id: category.created_by,
        app_ids: None,
        app_list: listed.collect(),
    }
}

fn given(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn icon(service: &Service, found: &ApplicationRecord) -> Option<String> {
    found.icon.map(|icon| service.file_link(icon, ICON_NAME))
}

fn source(service: &Service, found: &ApplicationRecord) -> String {
    let name = found.file_name.as_deref().unwrap_or_default();
    found.file.map(|file| service.file_link(file, name)).or_else(|| found.source_url.clone()).unwrap_or_default()
}

/// The names of an application's categories, and their ids with commas between them.
fn categories(found: &ApplicationRecord) -> (Vec<String>, Option<String>) {
    let names = found.categories.iter().map(|(_, name)| name.clone()).collect();
    let ids: Vec<String> = found.categories.iter().map(|(id, _)| id.to_string()).collect();
    (names, given(ids.join(",")))
}

/// Bytes in M, as the document writes them.
fn in_m(bytes: i64) -> String {
    let hundredths = (i128::from(bytes) * 100 + BYTES_IN_M / 2) / BYTES_IN_M;
    format!("{}.{:02}M", hundredths / 100, hundredths % 100)
}

#[cfg(test)]
mod tests {
    use super::in_m;

    #[test]
    fn sizes_are_as_in_the_documents_samples() {
        assert_eq!([58_733_208, 1_136_939, 0, 5242, 5243].map(in_m), ["56.01M", "1.08M", "0.00M", "0.00M", "0.01M"]);
        assert_eq!(in_m(i64::MAX), "8796093022208.00M");
    }
}
