//! Whom a push may name: what is within its caller's reach, and labels or users and groups.

use drover_store::{GenericClient, people::named, pushing::assignments::Targets};

use super::ApplicationRefusal as Refusal;
use crate::{Operator, ServiceError};

/// The most users that one call names.
const USERS_MAX: usize = 10_000;
/// The most groups or labels that one call names.
const SETS_MAX: usize = 1000;
/// Offenders named in an error.
const NAMED: i64 = 5;

/// Checks whom a push names: somebody, either labels with users or users and groups, all of them within the caller's reach.
pub(crate) async fn check(
    client: &impl GenericClient,
    operator: &Operator,
    named: &Targets,
) -> Result<(), ServiceError> {
    check_shape(named)?;
    let scope = operator.scope();
    known("userIds", "user", &named::unknown_users(client, &scope, &named.users, NAMED).await?)?;
    known("groupIds", "group", &named::unknown_groups(client, &scope, &named.groups, NAMED).await?)?;
    known("labelIds", "label", &named::unknown_labels(client, &scope, &named.labels, NAMED).await?)?;
    match named::labels_without_users(client, &scope, &named.labels, 1).await?.first() {
        Some(label) => Err(Refusal::LabelWithoutUsers(label.to_string()).into()),
        None => Ok(()),
    }
}

/// Checks what can be seen without looking anything up.
fn check_shape(named: &Targets) -> Result<(), ServiceError> {
    if named.is_empty() {
        return Err(Refusal::NoTarget.into());
    }
    let is_by_user = !named.users.is_empty() || !named.groups.is_empty() || named.default_group;
    if !named.labels.is_empty() && is_by_user {
        return Err(Refusal::BadPush("labelIds: a push names labels, or users and groups, and not both".into()).into());
    }
    let lists = [
        ("userIds", &named.users, USERS_MAX),
        ("groupIds", &named.groups, SETS_MAX),
        ("labelIds", &named.labels, SETS_MAX),
    ];
    match lists.into_iter().find(|(_, ids, max)| ids.len() > *max) {
        Some((field, _, max)) => Err(ServiceError::invalid(field, format!("names more than {max}"))),
        None => Ok(()),
    }
}

fn known(field: &'static str, what: &str, unknown: &[i64]) -> Result<(), ServiceError> {
    if unknown.is_empty() {
        return Ok(());
    }
    let unknown: Vec<String> = unknown.iter().map(i64::to_string).collect();
    Err(ServiceError::invalid(field, format!("no such {what}: {}", unknown.join(", "))))
}
