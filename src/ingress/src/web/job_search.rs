//! What jobs and commands are searched by, as parameters: the same in the admin API and in the addresses of pages.

use drover_domain::{CommandState, JobId, JobKind, JobState, Outcome};
use drover_service::{Actor, CommandSearch, JobSearch, Service};

use super::{errors::WebError, params::Params};

/// The longest text that is searched for.
const TEXT_MAX_CHARS: usize = 128;
/// The longest name of a tenant, and the longest code.
const NAME_MAX_CHARS: usize = 256;

/// Which jobs are asked for: `kind`, `state`, `tenant` and `text`.
pub(crate) async fn jobs(service: &Service, actor: &Actor, params: &Params) -> Result<JobSearch, WebError> {
    let tenant = match params.text("tenant", NAME_MAX_CHARS)? {
        Some(name) => Some(service.tenant_named(actor, name).await?),
        None => None,
    };
    Ok(JobSearch {
        kind: word(params, "kind", JobKind::parse, &JobKind::ALL.map(JobKind::as_str))?,
        state: word(params, "state", JobState::parse, &JobState::ALL.map(JobState::as_str))?,
        tenant,
        text: params.text("text", TEXT_MAX_CHARS)?.map(str::to_owned),
    })
}

/// Which commands are asked for: `state` (several with commas), `outcome`, `code` or `withoutCode`, and `text`.
pub(crate) fn commands(params: &Params) -> Result<CommandSearch, WebError> {
    let states = params.text("state", NAME_MAX_CHARS)?.unwrap_or_default();
    let read = |name: &str| {
        CommandState::parse(name).ok_or_else(|| none_of("state", &CommandState::ALL.map(CommandState::as_str)))
    };
    let states =
        states.split(',').map(str::trim).filter(|name| !name.is_empty()).map(read).collect::<Result<_, _>>()?;
    let code = params.text("code", NAME_MAX_CHARS)?.map(str::to_owned);
    let without = params.boolean("withoutCode")?.unwrap_or(false);
    if without && code.is_some() {
        return Err(WebError::invalid("withoutCode", "does not go with code"));
    }
    Ok(CommandSearch {
        states,
        outcome: word(params, "outcome", Outcome::parse, &Outcome::ALL.map(Outcome::as_str))?,
        code: code.or_else(|| without.then(String::new)),
        text: params.text("text", TEXT_MAX_CHARS)?.map(str::to_owned),
    })
}

/// The number of a job in an address.
pub(crate) fn job_id(text: &str) -> Result<JobId, WebError> {
    let digits = Some(text).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let id = digits.and_then(|text| text.parse().ok()).filter(|id| *id > 0).map(JobId);
    id.ok_or_else(|| WebError::NotFound(format!("job {text} does not exist")))
}

fn word<T>(
    params: &Params,
    name: &str,
    parse: fn(&str) -> Option<T>,
    known: &[&'static str],
) -> Result<Option<T>, WebError> {
    let Some(text) = params.optional(name) else { return Ok(None) };
    parse(text).map(Some).ok_or_else(|| none_of(name, known))
}

fn none_of(name: &str, known: &[&'static str]) -> WebError {
    WebError::invalid(name, format!("is none of {}", known.join(", ")))
}
