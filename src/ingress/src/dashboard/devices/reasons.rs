//! Why a device is not updated, as a sentence, and what to do next.

use chrono::{DateTime, Utc};
use drover_domain::{
    ChannelKind, CommandState, JobId,
    why::{Reason, Said},
};
use drover_service::DeviceReason;

use crate::dashboard::language::Language;

/// A reason in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Explained {
    /// Why.
    pub(crate) sentence: String,
    /// What to do next; empty when there is nothing to do.
    pub(crate) advice: &'static str,
}

/// A reason in English, with times as programs read them: for the command line and the admin API.
pub fn explain_reason(reason: &DeviceReason) -> (String, &'static str) {
    let Explained { sentence, advice } =
        explain(reason, Language::English, &|at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
    (sentence, advice)
}

/// A reason in words; `time` words its moments.
pub(crate) fn explain(reason: &DeviceReason, language: Language, time: &dyn Fn(DateTime<Utc>) -> String) -> Explained {
    let sentence = match language {
        Language::English => english(reason, time),
        Language::Chinese => chinese(reason, time),
    };
    Explained { sentence, advice: advice(reason, language) }
}

type Time<'a> = &'a dyn Fn(DateTime<Utc>) -> String;

fn english(reason: &DeviceReason, time: Time<'_>) -> String {
    let by = |by: &Option<(String, DateTime<Utc>)>| {
        by.as_ref().map(|(who, at)| format!(" by {who} at {}", time(*at))).unwrap_or_default()
    };
    let until = |at: &Option<DateTime<Utc>>| {
        at.map(|at| format!("; the attempt is given up at {}", time(at))).unwrap_or_default()
    };
    match reason {
        Reason::Leaving { until } => {
            format!("The device is deregistered, and may log in until {} to remove what it must.", time(*until))
        }
        Reason::Deregistered => "The device is deregistered, so it gets nothing.".into(),
        Reason::NothingAsked { was_heard_of: true } => "No job has asked for anything on this device.".into(),
        Reason::NothingAsked { was_heard_of: false } => {
            "No job has asked for anything on this device, and it was never heard of.".into()
        }
        Reason::JobIsDraft(job) => format!("Job {job} was not started."),
        Reason::JobIsScheduled { job, at: Some(at) } => format!("Job {job} starts at {}.", time(*at)),
        Reason::JobIsScheduled { job, at: None } => format!("Job {job} waits for its time."),
        Reason::JobIsPaused { job, by: who } => format!("Job {job} was paused{}.", by(who)),
        Reason::JobIsStopped { job, is_aborted: true, .. } => {
            format!("Job {job} was aborted by its own rule, and its commands are being ended.")
        }
        Reason::JobIsStopped { job, by: who, .. } => {
            format!("Job {job} was cancelled{}, and its commands are being ended.", by(who))
        }
        Reason::JobIsOver(job) => format!("The time of job {job} is over, and its commands are being ended."),
        Reason::WaitsForRelease(job) => format!("Job {job} has not let this device's command go yet."),
        Reason::InPause { job, attempt, until, last } => format!(
            "Attempt {attempt} of job {job} begins at {}, after the pause that follows a failure{}.",
            time(*until),
            quoted(last.as_ref(), (" (", ": ", ")"))
        ),
        Reason::TokenRevoked { job, at } => {
            format!(
                "The device cannot log in to take the command of job {job}: its token was revoked at {}.",
                time(*at)
            )
        }
        Reason::TokenAbsent(job) => {
            format!("The device cannot log in to take the command of job {job}: it has no token.")
        }
        Reason::QueueIsPaused(job) => {
            format!("The command of job {job} is queued, and the dispatch queue of its kind is paused.")
        }
        Reason::NoDispatcher(job) => format!("The command of job {job} is queued, and no dispatcher is at work."),
        Reason::NeverSeen { job, channel } => {
            format!("The command of job {job} waits for the device, which was never heard of{}.", way(*channel))
        }
        Reason::NotSeenSince { job, channel, heard_at } => format!(
            "The command of job {job} waits for the device, which was not heard of{} since {}.",
            way(*channel),
            time(*heard_at)
        ),
        Reason::WaitsForTurn(job) => format!("The command of job {job} is queued and goes out in its turn."),
        Reason::Silent { job, since, deadline_at } => format!(
            "The device was sent the command of job {job} at {} and has said nothing since{}.",
            time(*since),
            until(deadline_at)
        ),
        Reason::AtWork { job, state, since, deadline_at } => {
            let doing = match state {
                CommandState::Downloaded => "has the file and waits to install it, for its user or the night,",
                CommandState::Installing => "has been installing",
                CommandState::Verifying => "said that it is done, and is to show the new version,",
                _ => "has been downloading",
            };
            format!("The device {doing} since {} for job {job}{}.", time(*since), until(deadline_at))
        }
        Reason::Cancelling { job, deadline_at } => {
            let end = deadline_at.map(|at| format!(", and counts as stopped at {}", time(at))).unwrap_or_default();
            format!("The device was asked to stop what it does for job {job}{end}.")
        }
        Reason::Failed { job, attempts, said } => format!(
            "The device failed in {} of job {job}{}, and no try is left.",
            tries(*attempts),
            quoted(Some(said), (" with ", ": ", ""))
        ),
        Reason::TimedOut { job, attempts, was_sent: true } => {
            format!("The device did not finish in time in {} of job {job}, and no try is left.", tries(*attempts))
        }
        Reason::TimedOut { job, was_sent: false, .. } => {
            format!("The time of job {job} was over before the command reached the device.")
        }
        Reason::Rejected { job, said } => {
            format!("The device refused the command of job {job}{}.", quoted(Some(said), (" with ", ": ", "")))
        }
        Reason::Cancelled { job, by: who } => format!("The command of job {job} was cancelled{}.", by(who)),
        Reason::Superseded { job, newer: Some(newer) } => {
            format!("Job {newer} took the place of job {job} on this device.")
        }
        Reason::Superseded { job, newer: None } => format!("A newer job took the place of job {job} on this device."),
        Reason::UpToDate { job, at } => {
            format!("The device is up to date as far as anyone asked: job {job} succeeded at {}.", time(*at))
        }
    }
}

fn chinese(reason: &DeviceReason, time: Time<'_>) -> String {
    let by = |by: &Option<(String, DateTime<Utc>)>| {
        by.as_ref().map(|(who, at)| format!("由 {who} 于 {} ", time(*at))).unwrap_or_default()
    };
    let until =
        |at: &Option<DateTime<Utc>>| at.map(|at| format!("；本次尝试将于 {} 放弃", time(at))).unwrap_or_default();
    let said = |said: Option<&Said>| quoted(said, ("（", "：", "）"));
    match reason {
        Reason::Leaving { until } => format!("设备已注销，在 {} 之前仍可登录以移除应移除的内容。", time(*until)),
        Reason::Deregistered => "设备已注销，不再接收任何内容。".into(),
        Reason::NothingAsked { was_heard_of: true } => "没有任何任务涉及此设备。".into(),
        Reason::NothingAsked { was_heard_of: false } => "没有任何任务涉及此设备，且设备从未连接过。".into(),
        Reason::JobIsDraft(job) => format!("任务 {job} 尚未启动。"),
        Reason::JobIsScheduled { job, at: Some(at) } => format!("任务 {job} 将于 {} 启动。", time(*at)),
        Reason::JobIsScheduled { job, at: None } => format!("任务 {job} 等待启动时间。"),
        Reason::JobIsPaused { job, by: who } => format!("任务 {job} 已{}暂停。", by(who)),
        Reason::JobIsStopped { job, is_aborted: true, .. } => format!("任务 {job} 已按自身规则中止，其命令正在结束。"),
        Reason::JobIsStopped { job, by: who, .. } => format!("任务 {job} 已{}取消，其命令正在结束。", by(who)),
        Reason::JobIsOver(job) => format!("任务 {job} 的期限已过，其命令正在结束。"),
        Reason::WaitsForRelease(job) => format!("任务 {job} 尚未放行此设备的命令。"),
        Reason::InPause { job, attempt, until, last } => {
            format!(
                "任务 {job} 的第 {attempt} 次尝试将于 {} 开始，目前处于失败后的等待{}。",
                time(*until),
                said(last.as_ref())
            )
        }
        Reason::TokenRevoked { job, at } => {
            format!("设备无法登录以获取任务 {job} 的命令：其令牌已于 {} 吊销。", time(*at))
        }
        Reason::TokenAbsent(job) => format!("设备无法登录以获取任务 {job} 的命令：它没有令牌。"),
        Reason::QueueIsPaused(job) => format!("任务 {job} 的命令在排队，而该类型的下发队列已暂停。"),
        Reason::NoDispatcher(job) => format!("任务 {job} 的命令在排队，而没有下发进程在工作。"),
        Reason::NeverSeen { job, channel } => {
            format!("任务 {job} 的命令在等待设备，而设备从未{}。", chinese_way(*channel))
        }
        Reason::NotSeenSince { job, channel, heard_at } => {
            format!("任务 {job} 的命令在等待设备，而设备自 {} 起未{}。", time(*heard_at), chinese_way(*channel))
        }
        Reason::WaitsForTurn(job) => format!("任务 {job} 的命令在排队，轮到时即下发。"),
        Reason::Silent { job, since, deadline_at } => {
            format!("任务 {job} 的命令已于 {} 下发，设备至今没有回应{}。", time(*since), until(deadline_at))
        }
        Reason::AtWork { job, state, since, deadline_at } => {
            let doing = match state {
                CommandState::Downloaded => "设备已下载文件，等待安装（等待用户或夜间）",
                CommandState::Installing => "设备正在安装",
                CommandState::Verifying => "设备已报告完成，等待确认新版本",
                _ => "设备正在下载",
            };
            format!("{doing}（任务 {job}，自 {} 起{}）。", time(*since), until(deadline_at))
        }
        Reason::Cancelling { job, deadline_at } => {
            let end = deadline_at.map(|at| format!("，最迟于 {} 视为已停止", time(at))).unwrap_or_default();
            format!("已要求设备停止任务 {job} 的命令{end}。")
        }
        Reason::Failed { job, attempts, said: words } => {
            format!("任务 {job} 在设备上失败，已尝试 {attempts} 次，不再重试{}。", said(Some(words)))
        }
        Reason::TimedOut { job, attempts, was_sent: true } => {
            format!("设备未能按时完成任务 {job}，已尝试 {attempts} 次，不再重试。")
        }
        Reason::TimedOut { job, was_sent: false, .. } => format!("任务 {job} 的期限已过，命令未能到达设备。"),
        Reason::Rejected { job, said: words } => format!("设备拒绝了任务 {job} 的命令{}。", said(Some(words))),
        Reason::Cancelled { job, by: who } => format!("任务 {job} 的命令已{}取消。", by(who)),
        Reason::Superseded { job, newer: Some(newer) } => format!("任务 {newer} 已在此设备上取代任务 {job}。"),
        Reason::Superseded { job, newer: None } => format!("较新的任务已在此设备上取代任务 {job}。"),
        Reason::UpToDate { job, at } => format!("设备已是最新：任务 {job} 已于 {} 成功。", time(*at)),
    }
}

/// What to do next.
const fn advice(reason: &DeviceReason, language: Language) -> &'static str {
    match reason {
        Reason::Leaving { .. } | Reason::UpToDate { .. } | Reason::WaitsForTurn(_) => "",
        Reason::Deregistered => language.pick("Enrol it again if it is to come back.", "如需恢复，请重新登记该设备。"),
        Reason::NothingAsked { .. } => {
            language.pick("Start a job whose audience has this device.", "请启动一个包含此设备的任务。")
        }
        Reason::JobIsDraft(_) => language.pick("Start the job.", "请启动该任务。"),
        Reason::JobIsScheduled { .. } => {
            language.pick("Wait for its time, or start it now.", "请等待，或立即启动该任务。")
        }
        Reason::JobIsPaused { .. } => language.pick("Resume the job.", "请继续该任务。"),
        Reason::JobIsStopped { .. } | Reason::JobIsOver(_) | Reason::Cancelled { .. } => {
            language.pick("Start a new job if the device is still to get it.", "如仍需下发，请启动新任务。")
        }
        Reason::WaitsForRelease(_) => language.pick(
            "Wait; if nothing of the job moves, look whether a planner is at work.",
            "请等待；若任务没有进展，请检查规划进程是否在工作。",
        ),
        Reason::InPause { .. } => language.pick("Wait for the next attempt.", "请等待下一次尝试。"),
        Reason::TokenRevoked { .. } | Reason::TokenAbsent(_) => language.pick(
            "Give the device a token: drover credential add --kind device.",
            "请为设备签发令牌：drover credential add --kind device。",
        ),
        Reason::QueueIsPaused(_) => language.pick("Resume the queue.", "请恢复该队列。"),
        Reason::NoDispatcher(_) => {
            language.pick("Start one: drover serve --roles dispatch.", "请启动：drover serve --roles dispatch。")
        }
        Reason::NeverSeen { .. } | Reason::NotSeenSince { .. } => language.pick(
            "Look whether the device is switched on and reaches the installation; it gets the command when it comes.",
            "请检查设备是否开机并能连接；设备上线后即可收到命令。",
        ),
        Reason::Silent { .. } | Reason::AtWork { .. } | Reason::Cancelling { .. } => {
            language.pick("Wait until then.", "请等待。")
        }
        Reason::Failed { .. } => language.pick(
            "See what the device said of each attempt, mend it, and retry the job's failed commands.",
            "请查看每次尝试的设备信息，排除问题后重试该任务的失败命令。",
        ),
        Reason::TimedOut { .. } => language.pick(
            "Look whether the device is reachable, and retry the job's failed commands.",
            "请检查设备是否可达，然后重试该任务的失败命令。",
        ),
        Reason::Rejected { .. } => {
            language.pick("A refusal is not tried again: see what the device said.", "拒绝不会重试：请查看设备的说明。")
        }
        Reason::Superseded { .. } => language.pick("Look at the newer job.", "请查看较新的任务。"),
    }
}

/// How a device is to come.
const fn way(channel: ChannelKind) -> &'static str {
    match channel {
        ChannelKind::Mqtt => " over MQTT",
        ChannelKind::Poll => " over HTTP",
        ChannelKind::Simulated => "",
    }
}

const fn chinese_way(channel: ChannelKind) -> &'static str {
    match channel {
        ChannelKind::Mqtt => "通过 MQTT 连接",
        ChannelKind::Poll => "通过 HTTP 连接",
        ChannelKind::Simulated => "连接",
    }
}

fn tries(attempts: i16) -> String {
    if attempts == 1 { "the only attempt".into() } else { format!("all {attempts} attempts") }
}

/// What a device said, between signs of the language; empty when it said nothing.
fn quoted(said: Option<&Said>, (before, between, after): (&str, &str, &str)) -> String {
    match said.map(|said| (said.code.as_str(), said.message.as_str())) {
        None | Some(("", "")) => String::new(),
        Some((code, "")) => format!("{before}{code}{after}"),
        Some(("", message)) => format!("{before}{message}{after}"),
        Some((code, message)) => format!("{before}{code}{between}{message}{after}"),
    }
}

/// Whether the id is a job's that a page can link to.
pub(super) const fn job_of(reason: &DeviceReason) -> Option<JobId> {
    reason.job()
}

#[cfg(test)]
mod tests;
