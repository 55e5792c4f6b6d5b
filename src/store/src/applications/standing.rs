//! How an application stands with a device: what the domain's projection wants to know, read from rows.

use drover_domain::{CommandState, Holding, PushAction, PushCase};
use tokio_postgres::Row;

use crate::{StoreError, rows::word};

/// What a device has of an application: `app_installs` as `i`, the release that devices are given now as `r`. The same as
/// [`Holding::of`], which a test compares it with.
macro_rules! holding {
    () => {
        "CASE WHEN i.is_installed THEN
                CASE WHEN CASE WHEN i.installed_number > 0 AND r.version_number > 0
                    THEN i.installed_number < r.version_number ELSE i.installed_name <> r.version_name END
                THEN 'older' ELSE 'present' END
            WHEN i.removed_at IS NOT NULL THEN 'removed' ELSE 'nothing' END"
    };
}
pub(super) use holding;

/// The newest push of an application to a device, from columns `push_action`, `is_required`, `state` and `prior_state`; `None`
/// when it was never pushed.
pub(super) fn push(row: &Row) -> Result<Option<PushCase>, StoreError> {
    if row.get::<_, Option<&str>>("push_action").is_none() {
        return Ok(None);
    }
    let is_planned = row.get::<_, Option<&str>>("state").is_some();
    let state = |column| word(row, column, CommandState::parse);
    Ok(Some(PushCase {
        action: word(row, "push_action", PushAction::parse)?,
        is_required: row.get::<_, Option<bool>>("is_required").unwrap_or(false),
        command: if is_planned { Some((state("state")?, state("prior_state")?)) } else { None },
    }))
}

/// A combination that a status stands for.
pub type StandingCase = (PushCase, Holding);

/// Combinations as parameters: actions, whether it is required, states, states before, what is there. No command is an empty
/// state.
pub(super) struct Cases {
    pub(super) actions: Vec<&'static str>,
    pub(super) required: Vec<bool>,
    pub(super) states: Vec<&'static str>,
    pub(super) priors: Vec<&'static str>,
    pub(super) holdings: Vec<&'static str>,
}

impl Cases {
    pub(super) fn of(cases: &[StandingCase]) -> Self {
        let names = |command: Option<(CommandState, CommandState)>| {
            command.map_or(("", ""), |(state, prior)| (state.as_str(), prior.as_str()))
        };
        Self {
            actions: cases.iter().map(|(push, _)| push.action.as_str()).collect(),
            required: cases.iter().map(|(push, _)| push.is_required).collect(),
            states: cases.iter().map(|(push, _)| names(push.command).0).collect(),
            priors: cases.iter().map(|(push, _)| names(push.command).1).collect(),
            holdings: cases.iter().map(|(_, holding)| holding.as_str()).collect(),
        }
    }
}
