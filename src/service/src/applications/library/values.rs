//! What operators say of applications: checked, and completed with what a package or the document says.

use drover_domain::{CategoryId, ModelType, Platform, is_os_version};
use drover_store::{
    Tx,
    applications::{categories, uploads::ApplicationValues},
};

use super::ApplicationRefusal as R;
use crate::{
    Operator, ServiceError,
    clients::{check_long, check_name},
    enrolment::check_text,
};

/// The most categories of one application.
const CATEGORIES_MAX: usize = 100;

/// Checks what can be checked without looking anything up.
pub(super) fn check(values: &ApplicationValues) -> Result<(), ServiceError> {
    let ApplicationValues { name, company, description, os_version, model_types: _, categories } = values;
    name.as_deref().map_or(Ok(()), |name| check_name("name", name.trim()))?;
    company.as_deref().map_or(Ok(()), |company| check_text("company", company))?;
    description.as_deref().map_or(Ok(()), |description| check_long("description", description))?;
    check_os_version("osVersion", os_version.as_deref())?;
    if categories.as_ref().is_some_and(|categories| categories.len() > CATEGORIES_MAX) {
        return Err(ServiceError::invalid("catesId", format!("names more than {CATEGORIES_MAX} categories")));
    }
    Ok(())
}

/// Checks the version of an operating system.
pub(super) fn check_os_version(field: &'static str, version: Option<&str>) -> Result<(), ServiceError> {
    match version.filter(|version| !is_os_version(version)) {
        Some(_) => Err(ServiceError::invalid(field, "must be numbers with dots between them")),
        None => Ok(()),
    }
}

/// The kinds of devices that are named; all of them when none is known, and none for Android.
pub(super) fn model_types(platform: Platform, named: Option<&[i16]>) -> Vec<i16> {
    if platform == Platform::Android {
        return Vec::new();
    }
    let all = ModelType::ALL.iter().map(|kind| kind.code());
    let known: Vec<i16> = all.clone().filter(|code| named.unwrap_or_default().contains(code)).collect();
    if known.is_empty() { all.collect() } else { known }
}

/// The categories that are named, each of which the operator sees and nobody removes before the transaction ends.
pub(super) async fn known_categories(
    tx: &Tx<'_>,
    operator: &Operator,
    named: &[i64],
) -> Result<Vec<CategoryId>, ServiceError> {
    let found = categories::share(tx, operator.tenant, named).await?;
    let seen: Vec<CategoryId> =
        found.into_iter().filter(|category| operator.sees(&category.owner)).map(|category| category.id).collect();
    match named.iter().find(|id| !seen.contains(&CategoryId(**id))) {
        Some(unknown) => Err(R::NoSuchCategory(unknown.to_string()).into()),
        None => Ok(seen),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_kinds_of_devices_are_dropped_and_none_means_all() {
        let ios = |named: &[i16]| model_types(Platform::Ios, Some(named));
        assert_eq!(ios(&[22, 1, 20, 20]), [20, 22]);
        assert_eq!(ios(&[1]), [20, 21, 22, 23]);
        assert_eq!(model_types(Platform::Ios, None), [20, 21, 22, 23]);
        assert!(model_types(Platform::Android, Some(&[20])).is_empty());
    }

    #[test]
    fn values_are_refused_by_their_names() {
        let with = |change: fn(&mut ApplicationValues)| {
            let mut values = ApplicationValues::default();
            change(&mut values);
            check(&values).err().map(|error| error.to_string())
        };
        assert_eq!(with(|_| {}), None);
        let named =
            |error: Option<String>, field: &str| error.is_some_and(|error| error.starts_with(&format!("{field}: ")));
        assert!(named(with(|values| values.name = Some("  ".into())), "name"));
        assert!(named(with(|values| values.company = Some("x".repeat(129))), "company"));
        assert!(named(with(|values| values.description = Some("x".repeat(4001))), "description"));
        assert!(named(with(|values| values.os_version = Some("nine".into())), "osVersion"));
        assert!(named(with(|values| values.categories = Some(vec![1; 101])), "catesId"));
    }
}
