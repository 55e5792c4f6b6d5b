//! The firmware files, X8-X12: `POST`, `PUT`, `GET` and `DELETE /firmware`, `GET /firmwares`. The document takes them for
//! granted; these calls are ours, in its manner.

use axum::extract::{Request, State};
use drover_domain::FirmwareId;
use drover_service::{Firmware, FirmwareChange, NewFirmware, Product};

use super::{
    Answer, Gateway, answer,
    call::Call,
    errors::AepError,
    params::Params,
    text,
    text::{DESCRIPTION_MAX, NAME_MAX, OPERATOR_MAX, SEARCH_MAX},
    views::{FirmwareView, List, SUCCESS},
    wire,
    wire::FirmwareBody,
};
use crate::upload::Upload;

const SHA256_HEX_LEN: usize = 64;
/// The text fields of an upload.
const FIELDS: [&str; 5] = ["name", "version", "description", "upgradePlan", "createBy"];

/// X8: stores a firmware file. The signature cannot cover the body of an upload, which is not read before it is checked;
/// it covers `fileSha256` of the query, and that binds the file.
pub(super) async fn create(State(state): State<Gateway>, request: Request) -> Answer<FirmwareView> {
    let (parts, body) = request.into_parts();
    let call = Call::read_upload(&state, &parts, &["productId", "fileSha256"]).await?;
    let expected_sha256 = Some(file_sha256(&call.query)?);
    let product = call.product_of_query().await?;
    let mut upload = Upload::open(&parts.headers, body, &state.limits, &FIELDS).await?;
    let (fields, file_name) = (&mut upload.fields, upload.file_name.take());
    let new = NewFirmware {
        name: text::required("name", fields.take("name"), NAME_MAX)?,
        version: text::required("version", fields.take("version"), OPERATOR_MAX)?,
        file_name: text::required("file", file_name, NAME_MAX)?,
        description: text::optional("description", fields.take("description"), DESCRIPTION_MAX)?.unwrap_or_default(),
        upgrade_plan: upgrade_plan(fields.take("upgradePlan").as_deref())?,
        created_by: text::optional("createBy", fields.take("createBy"), OPERATOR_MAX)?.unwrap_or_default(),
        expected_sha256,
        max_bytes: state.limits.max_upload_bytes,
    };
    let firmware = state.service.create_firmware(&product, new, upload.into_file()).await?;
    Ok(answer(view(&state, &product, firmware)))
}

/// X9: changes what is said of a firmware; its file never changes.
pub(super) async fn change(State(state): State<Gateway>, request: Request) -> Answer<&'static str> {
    let call = Call::read(&state, request, &["id"]).await?;
    let id = FirmwareId(call.query.id("id")?);
    let body: FirmwareBody = call.json()?;
    let product_id = wire::id("productId", body.product_id)?;
    let change = FirmwareChange {
        name: body.name.map(|name| text::required("name", Some(name), NAME_MAX)).transpose()?,
        version: body.version.map(|version| text::required("version", Some(version), OPERATOR_MAX)).transpose()?,
        description: text::replacement("description", body.description, DESCRIPTION_MAX)?,
        updated_by: text::optional("updateBy", body.update_by, OPERATOR_MAX)?,
    };
    let product = call.product(product_id).await?;
    state.service.update_firmware(&product, id, change).await?;
    Ok(answer(SUCCESS))
}

/// X10: one page of a product's firmwares, newest first.
pub(super) async fn list(State(state): State<Gateway>, request: Request) -> Answer<List<FirmwareView>> {
    let call = Call::read(&state, request, &["productId", "searchValue", "pageNow", "pageSize"]).await?;
    let page = call.page()?;
    let search = call.query.text("searchValue", SEARCH_MAX)?;
    let product = call.product_of_query().await?;
    let firmwares = state.service.firmwares(&product, search, page).await?;
    Ok(answer(List::of(firmwares, |firmware| view(&state, &product, firmware))))
}

/// X11: one firmware.
pub(super) async fn show(State(state): State<Gateway>, request: Request) -> Answer<FirmwareView> {
    let call = Call::read(&state, request, &["id", "productId"]).await?;
    let id = FirmwareId(call.query.id("id")?);
    let product = call.product_of_query().await?;
    let firmware = state.service.firmware(&product, id).await?;
    Ok(answer(view(&state, &product, firmware)))
}

/// X12: deletes a firmware that no unfinished task uses.
pub(super) async fn delete(State(state): State<Gateway>, request: Request) -> Answer<&'static str> {
    let call = Call::read(&state, request, &["id", "productId", "updateBy"]).await?;
    let id = FirmwareId(call.query.id("id")?);
    let product = call.product_of_query().await?;
    state.service.delete_firmware(&product, id).await?;
    Ok(answer(SUCCESS))
}

fn view(state: &Gateway, product: &Product, firmware: Firmware) -> FirmwareView {
    let link = state.service.firmware_link(&firmware);
    FirmwareView::of(product, firmware, link)
}

fn file_sha256(query: &Params) -> Result<String, AepError> {
    let sha256 = query.text("fileSha256", SHA256_HEX_LEN)?.ok_or_else(|| AepError::bad("fileSha256", "is missing"))?;
    if sha256.len() == SHA256_HEX_LEN && sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        Ok(sha256.to_ascii_lowercase())
    } else {
        Err(AepError::bad("fileSha256", "must be 64 hexadecimal digits"))
    }
}

/// The document samples plan 1 and explains none; Drover keeps the number, 1 when there is none.
fn upgrade_plan(plan: Option<&str>) -> Result<i16, AepError> {
    match plan.map(str::trim).filter(|plan| !plan.is_empty()) {
        None => Ok(1),
        Some(plan) => {
            let plan = plan.parse().ok().filter(|plan| (0..=999).contains(plan));
            plan.ok_or_else(|| AepError::bad("upgradePlan", "must be a number from 0 to 999"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_hash_is_required_and_read_in_either_case() {
        let of = |value: &str| file_sha256(&Params::parse(&format!("fileSha256={value}")).unwrap());
        assert_eq!(of(&"AB".repeat(32)).unwrap(), "ab".repeat(32));
        for wrong in [String::new(), "a".repeat(63), "a".repeat(65), "g".repeat(64), "é".repeat(32)] {
            assert!(of(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_plan_is_a_small_number() {
        assert_eq!(upgrade_plan(None).unwrap(), 1);
        assert_eq!(upgrade_plan(Some(" 2 ")).unwrap(), 2);
        assert!(upgrade_plan(Some("x")).is_err() && upgrade_plan(Some("-1")).is_err());
    }
}
