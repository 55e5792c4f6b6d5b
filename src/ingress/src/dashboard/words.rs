//! Words and figures that several pages use. A state is always a sign and a word, never a colour alone.

use chrono::{DateTime, FixedOffset, Utc};
use drover_domain::{CommandState, JobKind, JobState};
use maud::{Markup, html};

use super::{language::Language, session::Viewer};

/// The group of states that a command's colour tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing has happened yet.
    Quiet,
    /// Something goes on.
    Busy,
    /// It went well.
    Good,
    /// It went wrong.
    Bad,
    /// It was stopped or passed over.
    Stopped,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Quiet => "state quiet",
            Self::Busy => "state busy",
            Self::Good => "state good",
            Self::Bad => "state bad",
            Self::Stopped => "state stopped",
        }
    }
}

/// The tone of a command's state.
pub(super) const fn tone(state: CommandState) -> Tone {
    match state {
        CommandState::Planned | CommandState::Queued => Tone::Quiet,
        CommandState::Sent
        | CommandState::Downloading
        | CommandState::Downloaded
        | CommandState::Installing
        | CommandState::Verifying
        | CommandState::Cancelling => Tone::Busy,
        CommandState::Succeeded => Tone::Good,
        CommandState::Failed | CommandState::TimedOut => Tone::Bad,
        CommandState::Rejected | CommandState::Cancelled | CommandState::Superseded => Tone::Stopped,
    }
}

/// The sign of a command's state.
pub(super) const fn sign(state: CommandState) -> &'static str {
    match state {
        CommandState::Planned => "○",
        CommandState::Queued => "◔",
        CommandState::Sent => "→",
        CommandState::Downloading => "↓",
        CommandState::Downloaded => "▣",
        CommandState::Installing => "↻",
        CommandState::Verifying => "◎",
        CommandState::Cancelling => "⊘",
        CommandState::Succeeded => "✓",
        CommandState::Failed => "✗",
        CommandState::TimedOut => "◷",
        CommandState::Rejected => "⊖",
        CommandState::Cancelled => "⊗",
        CommandState::Superseded => "»",
    }
}

/// The word for a command's state.
pub(super) const fn command_state(state: CommandState, language: Language) -> &'static str {
    match state {
        CommandState::Planned => language.pick("planned", "已规划"),
        CommandState::Queued => language.pick("queued", "排队中"),
        CommandState::Sent => language.pick("sent", "已下发"),
        CommandState::Downloading => language.pick("downloading", "下载中"),
        CommandState::Downloaded => language.pick("downloaded", "已下载"),
        CommandState::Installing => language.pick("installing", "安装中"),
        CommandState::Verifying => language.pick("verifying", "验证中"),
        CommandState::Cancelling => language.pick("cancelling", "取消中"),
        CommandState::Succeeded => language.pick("succeeded", "成功"),
        CommandState::Failed => language.pick("failed", "失败"),
        CommandState::TimedOut => language.pick("timed out", "超时"),
        CommandState::Rejected => language.pick("rejected", "设备拒绝"),
        CommandState::Cancelled => language.pick("cancelled", "已取消"),
        CommandState::Superseded => language.pick("superseded", "已被取代"),
    }
}

/// A command's state with its sign.
pub(super) fn command_badge(state: CommandState, language: Language) -> Markup {
    html! { span class=(tone(state).class()) { span.sign aria-hidden="true" { (sign(state)) } " " (command_state(state, language)) } }
}

/// The word for a job's state.
pub(super) const fn job_state(state: JobState, language: Language) -> &'static str {
    match state {
        JobState::Draft => language.pick("draft", "草稿"),
        JobState::Scheduled => language.pick("scheduled", "已定时"),
        JobState::Running => language.pick("running", "进行中"),
        JobState::Paused => language.pick("paused", "已暂停"),
        JobState::Completed => language.pick("completed", "已完成"),
        JobState::Cancelled => language.pick("cancelled", "已取消"),
        JobState::Aborted => language.pick("aborted", "已中止"),
    }
}

/// A job's state with its sign.
pub(super) fn job_badge(state: JobState, language: Language) -> Markup {
    let (tone, sign) = match state {
        JobState::Draft => (Tone::Quiet, "○"),
        JobState::Scheduled => (Tone::Quiet, "◷"),
        JobState::Running => (Tone::Busy, "▶"),
        JobState::Paused => (Tone::Stopped, "‖"),
        JobState::Completed => (Tone::Good, "✓"),
        JobState::Cancelled => (Tone::Stopped, "⊗"),
        JobState::Aborted => (Tone::Bad, "✗"),
    };
    html! { span class=(tone.class()) { span.sign aria-hidden="true" { (sign) } " " (job_state(state, language)) } }
}

/// The word for what a job does.
pub(super) const fn job_kind(kind: JobKind, language: Language) -> &'static str {
    match kind {
        JobKind::Publish => language.pick("publish", "发布"),
        JobKind::Distribute => language.pick("distribute", "分发"),
        JobKind::Push => language.pick("push", "推送"),
        JobKind::Firmware => language.pick("firmware", "固件升级"),
    }
}

/// A number with its thousands apart.
pub(super) fn number(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share of a whole as a percentage with one digit after the point; empty of nothing.
pub(super) fn percent(part: i64, whole: i64) -> String {
    #[allow(clippy::cast_precision_loss)] // a figure for people
    let share = part as f64 * 100.0 / whole as f64;
    if whole > 0 { format!("{share:.1} %") } else { String::new() }
}

/// A moment, in the time of the reader's tenant.
pub(super) fn time(at: DateTime<Utc>, viewer: &Viewer) -> Markup {
    let zone = FixedOffset::east_opt(i32::from(viewer.operator.utc_offset_minutes) * 60);
    let text = match zone {
        Some(zone) => at.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %:z").to_string(),
        None => at.format("%Y-%m-%d %H:%M:%S UTC").to_string(),
    };
    html! { time datetime=(at.format("%Y-%m-%dT%H:%M:%SZ")) { (text) } }
}

/// A length of time, in its two largest units.
pub(super) fn duration(seconds: i64, language: Language) -> String {
    let units = [
        (86_400, language.pick("d", "天")),
        (3600, language.pick("h", "小时")),
        (60, language.pick("min", "分")),
        (1, language.pick("s", "秒")),
    ];
    let mut left = seconds.max(0);
    let mut parts = Vec::new();
    for (size, unit) in units {
        if left >= size || (size == 1 && parts.is_empty()) {
            parts.push(format!("{} {unit}", left / size));
            left %= size;
        }
        if parts.len() == 2 {
            break;
        }
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!([0, 999, 1000, -1_234_567].map(number), ["0", "999", "1,000", "-1,234,567"]);
        assert_eq!([percent(1, 3), percent(0, 0)], ["33.3 %", ""]);
        let texts = [0, 59, 61, 3600, 90_061].map(|s| duration(s, Language::English));
        assert_eq!(texts, ["0 s", "59 s", "1 min 1 s", "1 h", "1 d 1 h"]);
        assert_eq!(duration(61, Language::Chinese), "1 分 1 秒");
    }

    #[test]
    fn no_two_states_look_alike_without_colour() {
        for language in [Language::English, Language::Chinese] {
            let mut seen: Vec<_> =
                CommandState::ALL.map(|state| (sign(state), command_state(state, language))).to_vec();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), CommandState::ALL.len());
        }
    }
}
