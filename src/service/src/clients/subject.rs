//! What is published or distributed, and to whom: looked up within an operator's reach.

use std::{cmp::Reverse, collections::HashMap};

use drover_domain::ClientVersionId;
use drover_store::{
    Tx,
    clients::{
        publications::{self, Subject},
        targets::{self, TargetOrganisation},
    },
};

use super::Target;
use crate::{Operator, ServiceError};

/// Targets of one call at most.
const TARGETS_MAX: usize = 1000;

/// A target of a call and the organisation that it names.
pub(super) type Named<'a> = (&'a Target, TargetOrganisation);

/// A version that the operator sees, kept as it is until the transaction ends. Its group belongs within the operator's reach or
/// above it; what lies beside it does not exist for the operator.
pub(super) async fn visible(
    tx: &Tx<'_>,
    operator: &Operator,
    version: ClientVersionId,
    to_withdraw: bool,
) -> Result<Subject, ServiceError> {
    let found = publications::lock_subject(tx, operator.tenant, version, to_withdraw).await?;
    let seen = found.filter(|subject| operator.sees(&subject.owner));
    seen.ok_or_else(|| ServiceError::not_found("version", version))
}

/// A version that may be offered.
pub(super) async fn offerable(
    tx: &Tx<'_>,
    operator: &Operator,
    version: ClientVersionId,
) -> Result<Subject, ServiceError> {
    let subject = visible(tx, operator, version, false).await?;
    if subject.is_void {
        return Err(ServiceError::conflict(format!("version {version} was withdrawn")));
    }
    Ok(subject)
}

/// The organisations that the targets name, in their order.
pub(super) async fn targets<'a>(
    tx: &Tx<'_>,
    operator: &Operator,
    subject: &Subject,
    targets: &'a [Target],
) -> Result<Vec<Named<'a>>, ServiceError> {
    if targets.is_empty() {
        return Err(ServiceError::invalid("applyTo", "names no target"));
    }
    if targets.len() > TARGETS_MAX {
        return Err(ServiceError::invalid("applyTo", format!("names more than {TARGETS_MAX} targets")));
    }
    if targets.iter().any(|target| target.os.is_some_and(|os| os != subject.os)) {
        let reason = format!("is not that of the version, which is {}", subject.os.code());
        return Err(ServiceError::invalid("os", reason));
    }
    let codes: Vec<&str> = targets.iter().map(|target| target.organisation_code.as_str()).collect();
    let found = targets::by_code(tx, operator.tenant, &operator.organisation.path, &codes).await?;
    let mut found: HashMap<String, TargetOrganisation> =
        found.into_iter().map(|organisation| (organisation.code.clone(), organisation)).collect();
    let mut named = Vec::with_capacity(targets.len());
    for target in targets {
        let code = &target.organisation_code;
        if named.iter().any(|(_, known): &Named<'_>| known.code == *code) {
            return Err(ServiceError::invalid("targetId", format!("{code} is named twice")));
        }
        let organisation = found.remove(code);
        named.push((
            target,
            organisation
                .ok_or_else(|| ServiceError::invalid("targetId", format!("there is no organisation {code}")))?,
        ));
    }
    Ok(named)
}

/// The same targets, none of which may lie below another: its devices would be given the version twice.
pub(super) fn apart<'a>(targets: &'a [Named<'_>]) -> Result<Vec<(&'a Target, &'a TargetOrganisation)>, ServiceError> {
    let outermost = outermost(targets);
    match targets.iter().find(|(_, inner)| !outermost.iter().any(|(_, outer)| outer.id == inner.id)) {
        Some((_, inner)) => {
            let reason =
                format!("{} lies below another target, which gives its devices the version already", inner.code);
            Err(ServiceError::invalid("targetId", reason))
        }
        None => Ok(outermost),
    }
}

/// Those targets that lie below no other, each once.
pub(super) fn outermost<'a>(targets: &'a [Named<'_>]) -> Vec<(&'a Target, &'a TargetOrganisation)> {
    let mut found: Vec<(&Target, &TargetOrganisation)> = Vec::with_capacity(targets.len());
    let mut by_path: Vec<&Named<'_>> = targets.iter().collect();
    // What contains others comes right before them; of the same one twice, what lasts longer comes first.
    let lasts = |target: &Target| (target.expires_at.is_some(), Reverse(target.expires_at));
    by_path.sort_by(|(a, at), (b, bt)| at.path.cmp(&bt.path).then_with(|| lasts(a).cmp(&lasts(b))));
    for (target, organisation) in by_path {
        if found.last().is_none_or(|(_, last)| !last.path.contains(&organisation.path)) {
            found.push((target, organisation));
        }
    }
    found
}
