//! Who is to have an application, or to keep to a list, from now on.

use drover_domain::AssignmentId;
use drover_store::{
    Tx,
    pushing::assignments::{self, NewAssignment},
};

use crate::ServiceError;

/// The most assignments of one application or list: those that a newer one does not take over from. Each is carried out anew
/// when what it brings changes.
pub(crate) const ASSIGNMENTS_MAX: i64 = 1000;

/// Makes an assignment, in place of older ones that it covers. The caller has its application or list locked.
pub(crate) async fn assign(tx: &Tx<'_>, new: &NewAssignment<'_>) -> Result<AssignmentId, ServiceError> {
    let assignment = assignments::insert(tx, new).await?;
    assignments::take_over(tx, new.subject, assignment).await?;
    let live = assignments::live(tx, new.subject, AssignmentId(0), ASSIGNMENTS_MAX + 1).await?.len();
    if i64::try_from(live).is_ok_and(|live| live <= ASSIGNMENTS_MAX) {
        return Ok(assignment);
    }
    let reason = format!("it was pushed to {ASSIGNMENTS_MAX} separate sets of users; push it to groups or labels");
    Err(ServiceError::conflict(reason))
}
