//! What is done to a whole job: a page that asks, with how many devices it affects, and the form that does it. Afterwards the
//! job's page says that it was done.

mod texts;

use axum::{
    extract::{Path, State},
    response::{Html, Redirect},
};
use drover_domain::{CommandState, JobId};
use drover_service::{Control, JobStanding, JobSummary, RetryFilter};
use maud::{Markup, html};

use super::{
    Answer, PageError,
    confirm::{self, Question},
    layout::{Room, as_html},
    session::Viewer,
    words,
};
use crate::web::{WebApi, params::Params};
use texts::{StepTexts, Texts};

/// The longest list of states in an address.
const STATES_MAX_CHARS: usize = 64;
/// The longest code in an address; the use case says what is too long.
const CODE_MAX_CHARS: usize = 1024;

/// What can be done to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Pause,
    Resume,
    Cancel,
    Retry,
}

impl Step {
    const ALL: [Self; 4] = [Self::Pause, Self::Resume, Self::Cancel, Self::Retry];

    /// The step in an address.
    const fn name(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.name() == name)
    }

    const fn texts(self, texts: &Texts) -> &StepTexts {
        match self {
            Self::Pause => &texts.pause,
            Self::Resume => &texts.resume,
            Self::Cancel => &texts.cancel,
            Self::Retry => &texts.retry,
        }
    }

    /// With what an address or form says besides.
    fn control(self, params: &Params) -> Answer<Control> {
        Ok(match self {
            Self::Pause => Control::Pause,
            Self::Resume => Control::Resume,
            Self::Cancel => Control::Cancel,
            Self::Retry => Control::Retry(filter(params)?),
        })
    }
}

/// `GET /ui/jobs/{id}/{step}`: the question. Of a retry, `state` and `code` name what is tried again.
pub(super) async fn ask(
    State(api): State<WebApi>,
    viewer: Viewer,
    path: Path<(String, String)>,
    params: Params,
) -> Answer<Html<String>> {
    let (id, step) = named(&path)?;
    let what = step.control(&params)?;
    let affected = api.service.affected(&viewer.actor, id, &what).await?;
    let job = api.service.job_summary(&viewer.actor, id).await?;
    let texts = Texts::of(viewer.language);
    let words = step.texts(texts);
    let title = format!("{} {}", words.title, job.name);
    let consequence = consequence(step, &job, &what, affected.is_at_most, texts);
    let (action, back) = (format!("/ui/jobs/{id}/{}", step.name()), format!("/ui/jobs/{id}"));
    let (states, code) = match &what {
        Control::Retry(filter) => (states(filter), filter.code.clone()),
        _ => (String::new(), None),
    };
    let mut fields = Vec::new();
    if step == Step::Retry {
        fields.push(("state", states.as_str()));
        fields.extend(code.as_deref().map(|code| ("code", code)));
    }
    let question = Question {
        title: &title,
        consequence: &consequence,
        devices: Some(affected.devices),
        action: &action,
        fields: &fields,
        button: words.button,
        is_final: step == Step::Cancel,
        back: &back,
        room: Room::Jobs,
    };
    Ok(as_html(&confirm::page(&viewer, &question)))
}

/// `POST /ui/jobs/{id}/{step}`: does it.
pub(super) async fn carry_out(
    State(api): State<WebApi>,
    viewer: Viewer,
    path: Path<(String, String)>,
    params: Params,
) -> Answer<Redirect> {
    let (id, step) = named(&path)?;
    viewer.require_form(&params)?;
    let (service, actor) = (&api.service, &viewer.actor);
    let JobStanding { devices, .. } = match step.control(&params)? {
        Control::Pause => service.pause_job(actor, id).await?,
        Control::Resume => service.resume_job(actor, id).await?,
        Control::Cancel => service.cancel_job(actor, id).await?,
        Control::Retry(filter) => service.retry_failed(actor, id, &filter).await?,
    };
    Ok(Redirect::to(&format!("/ui/jobs/{id}?done={}&devices={devices}", step.name())))
}

/// What the page of a job says after something was done to it.
pub(super) fn notice(viewer: &Viewer, params: &Params) -> Option<Markup> {
    let step = params.optional("done").and_then(Step::parse)?;
    let devices: i64 = params.optional("devices").and_then(|text| text.parse().ok())?;
    let texts = Texts::of(viewer.language);
    Some(html! {
        p.notice role="status" { (step.texts(texts).done) " " (words::number(devices)) " " (texts.devices) }
    })
}

fn named(Path((id, step)): &Path<(String, String)>) -> Answer<(JobId, Step)> {
    let nothing = || PageError::NotFound(format!("job {id}: {step}"));
    let number = id.parse().ok().filter(|id: &i64| *id > 0).ok_or_else(nothing)?;
    Ok((JobId(number), Step::parse(step).ok_or_else(nothing)?))
}

fn filter(params: &Params) -> Answer<RetryFilter> {
    let code = params.text("code", CODE_MAX_CHARS)?.filter(|code| !code.is_empty()).map(str::to_owned);
    let Some(names) = params.text("state", STATES_MAX_CHARS)? else {
        return Ok(RetryFilter { code, ..RetryFilter::default() });
    };
    let state = |name| CommandState::parse(name).ok_or_else(|| PageError::bad("state", "is no state of a command"));
    Ok(RetryFilter { states: names.split(',').map(state).collect::<Result<_, _>>()?, code })
}

fn states(filter: &RetryFilter) -> String {
    filter.states.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(",")
}

fn consequence(step: Step, job: &JobSummary, what: &Control, is_at_most: bool, texts: &Texts) -> String {
    let mut said = vec![step.texts(texts).consequence];
    match step {
        Step::Cancel => said.push(texts.cancels(job.kind)),
        Step::Retry if is_at_most => said.push(texts.at_most),
        _ => {}
    }
    let mut said = said.join(" ");
    if let Control::Retry(filter) = what {
        let language = texts.language;
        let names: Vec<&str> = filter.states.iter().map(|state| words::command_state(*state, language)).collect();
        said = format!("{said} {} {}", texts.only, names.join(", "));
        if let Some(code) = &filter.code {
            said = format!("{said}; {} {code}", texts.code);
        }
    }
    said
}
