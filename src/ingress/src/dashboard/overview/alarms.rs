//! What must be looked at, in words, and where to look.

use drover_domain::alarm::Alarm;
use drover_service::Snapshot;
use maud::{Markup, html};

use super::texts::Texts;
use crate::dashboard::{
    language::Language,
    session::Viewer,
    words::{duration, number},
};

pub(super) fn list(snapshot: &Snapshot, viewer: &Viewer, texts: &Texts) -> Markup {
    let alarms: Vec<&Alarm> = snapshot.alarms(&viewer.actor.reach).collect();
    html! {
        @if snapshot.number == 0 { p.alarm { strong { (texts.not_read) } } }
        @else if alarms.is_empty() { p.notice { (texts.calm) } }
        @for alarm in alarms {
            p class=(if alarm.is_urgent() { "alarm" } else { "alarm warning" }) {
                span aria-hidden="true" { (if alarm.is_urgent() { "▲ " } else { "● " }) }
                strong { (sentence(alarm, viewer.language)) }
                @if let Some((address, name)) = place(alarm, viewer.language) { " " a href=(address) { (name) } }
            }
        }
        @if snapshot.is_cut { p.hint { (texts.is_cut) } }
    }
}

/// What an alarm means.
pub(super) fn sentence(alarm: &Alarm, language: Language) -> String {
    let count = |count: &u64| number(count.cast_signed());
    let time = |seconds: &u64| duration(seconds.cast_signed(), language);
    match (alarm, language) {
        (Alarm::DatabaseAway, Language::English) => "The database does not answer: what you see is old.".into(),
        (Alarm::DatabaseAway, Language::Chinese) => "数据库没有响应：当前显示的是旧数据。".into(),
        (Alarm::RoleAbsent(role), Language::English) => {
            format!("No process with the role {role} is at work: start one with drover serve --roles {role}.")
        }
        (Alarm::RoleAbsent(role), Language::Chinese) => {
            format!("没有进程承担角色 {role}：请用 drover serve --roles {role} 启动。")
        }
        (Alarm::QueueWithoutConsumer { queue, ready }, Language::English) => {
            format!("Nobody takes from {queue}. Messages that wait there: {}.", count(ready))
        }
        (Alarm::QueueWithoutConsumer { queue, ready }, Language::Chinese) => {
            format!("队列 {queue} 中有 {} 条消息等待，但没有消费者。", count(ready))
        }
        (Alarm::OutboxOld { messages, oldest_s }, Language::English) => {
            format!("Messages wait for {} to be handed to the broker: {}.", time(oldest_s), count(messages))
        }
        (Alarm::OutboxOld { messages, oldest_s }, Language::Chinese) => {
            format!("{} 条消息等待交给消息代理，最早的已等待 {}。", count(messages), time(oldest_s))
        }
        (Alarm::DeadLetters { queue, count: dead }, Language::English) => {
            format!("Messages of {queue} that were given up: {}.", count(dead))
        }
        (Alarm::DeadLetters { queue, count: dead }, Language::Chinese) => {
            format!("队列 {queue} 有 {} 条死信。", count(dead))
        }
        (Alarm::QueuePaused(queue), Language::English) => format!("The queue {queue} is paused."),
        (Alarm::QueuePaused(queue), Language::Chinese) => format!("队列 {queue} 已暂停。"),
        (Alarm::QueuesUnseen, Language::English) => {
            "For more than a minute nobody has said how the queues stand: the broker is away, or every relay.".into()
        }
        (Alarm::QueuesUnseen, Language::Chinese) => {
            "队列状况已超过一分钟未更新：消息代理或所有 relay 进程不可用。".into()
        }
        (Alarm::JobStill { job, still_s, open }, Language::English) => {
            format!("Nothing of job {job} has moved for {}. Open commands: {}.", time(still_s), count(open))
        }
        (Alarm::JobStill { job, still_s, open }, Language::Chinese) => {
            format!("任务 {job} 已 {} 没有进展；未结束命令 {} 条。", time(still_s), count(open))
        }
    }
}

/// Where to look.
fn place(alarm: &Alarm, language: Language) -> Option<(String, &'static str)> {
    match alarm {
        Alarm::DatabaseAway => None,
        Alarm::JobStill { job, .. } => Some((format!("/ui/jobs/{job}"), language.pick("Job", "任务"))),
        Alarm::RoleAbsent(_) => Some(("/ui/workers".into(), language.pick("Workers", "工作进程"))),
        _ => Some(("/ui/queues".into(), language.pick("Queues", "队列"))),
    }
}

#[cfg(test)]
mod tests {
    use drover_domain::JobId;

    use super::*;

    #[test]
    fn every_alarm_is_a_sentence_in_both_languages() {
        let queue = || "dispatch.firmware".to_owned();
        let alarms = [
            Alarm::DatabaseAway,
            Alarm::RoleAbsent("dispatch"),
            Alarm::QueueWithoutConsumer { queue: queue(), ready: 1200 },
            Alarm::OutboxOld { messages: 7, oldest_s: 90 },
            Alarm::DeadLetters { queue: queue(), count: 2 },
            Alarm::QueuePaused(queue()),
            Alarm::QueuesUnseen,
            Alarm::JobStill { job: JobId(3001), still_s: 960, open: 3 },
        ];
        for alarm in &alarms {
            let (english, chinese) = (sentence(alarm, Language::English), sentence(alarm, Language::Chinese));
            assert!(english.ends_with('.') && english.is_ascii(), "{english}");
            assert!(chinese.ends_with('。'), "{chinese}");
        }
        assert_eq!(
            sentence(&alarms[2], Language::English),
            "Nobody takes from dispatch.firmware. Messages that wait there: 1,200."
        );
        assert_eq!(
            sentence(&alarms[7], Language::English),
            "Nothing of job 3001 has moved for 16 min. Open commands: 3."
        );
    }
}
