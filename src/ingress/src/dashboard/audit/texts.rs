//! The page's texts.

use crate::dashboard::language::Language;

/// The page's texts in a language.
pub(super) struct Texts {
    pub(super) title: &'static str,
    pub(super) nothing: &'static str,
    pub(super) no_more: &'static str,
    pub(super) none_so_far: &'static str,
    pub(super) pages: &'static str,
    pub(super) newest: &'static str,
    pub(super) older: &'static str,
    pub(super) when: &'static str,
    pub(super) who: &'static str,
    pub(super) from: &'static str,
    pub(super) what: &'static str,
    pub(super) subject: &'static str,
    pub(super) devices: &'static str,
    pub(super) detail: &'static str,
    /// By their names in rows.
    actions: [(&'static str, &'static str); 14],
    ways: [(&'static str, &'static str); 3],
    subjects: [(&'static str, &'static str); 4],
}

/// The text of a word; a word that this program does not know is shown as it is.
fn named<'a>(known: &[(&'static str, &'static str)], word: &'a str) -> &'a str {
    known.iter().find(|(name, _)| *name == word).map_or(word, |(_, text)| text)
}

impl Texts {
    pub(super) const fn of(language: Language) -> &'static Self {
        language.pick(&ENGLISH, &CHINESE)
    }

    pub(super) fn action<'a>(&self, name: &'a str) -> &'a str {
        named(&self.actions, name)
    }

    pub(super) fn via<'a>(&self, name: &'a str) -> &'a str {
        named(&self.ways, name)
    }

    pub(super) fn subject_kind<'a>(&self, name: &'a str) -> &'a str {
        named(&self.subjects, name)
    }
}

const ENGLISH: Texts = Texts {
    title: "Audit",
    nothing: "Nothing was done yet. What operators do here, by the API and at the command line is kept on this page.",
    no_more: "There is nothing older.",
    none_so_far: "Nothing of what was looked at so far is yours to see. Go on.",
    pages: "Pages of this list",
    newest: "Newest",
    older: "Older",
    when: "When",
    who: "Who",
    from: "From",
    what: "What",
    subject: "To what",
    devices: "Devices",
    detail: "Detail",
    actions: [
        ("signed_in", "signed in"),
        ("signed_out", "signed out"),
        ("job_paused", "paused"),
        ("job_resumed", "resumed"),
        ("job_cancelled", "cancelled"),
        ("job_retried", "tried again"),
        ("queue_paused", "paused"),
        ("queue_resumed", "resumed"),
        ("dead_letters_replayed", "sent dead letters again"),
        ("dead_letters_discarded", "discarded dead letters"),
        ("worker_drained", "drained"),
        ("worker_resumed", "took back to work"),
        ("installation_granted", "may run the installation"),
        ("installation_withdrawn", "may run the installation no longer"),
    ],
    ways: [("dashboard", "dashboard"), ("api", "API"), ("command_line", "command line")],
    subjects: [("job", "job"), ("queue", "queue"), ("worker", "worker"), ("operator", "operator")],
};

const CHINESE: Texts = Texts {
    title: "审计",
    nothing: "尚无记录。操作员在此页面、通过 API 和命令行所做的操作都会记录在这里。",
    no_more: "没有更早的记录。",
    none_so_far: "目前已查看的记录都不在您的可见范围内，请继续。",
    pages: "列表分页",
    newest: "最新",
    older: "更早",
    when: "时间",
    who: "操作者",
    from: "来源",
    what: "操作",
    subject: "对象",
    devices: "设备数",
    detail: "详情",
    actions: [
        ("signed_in", "登录"),
        ("signed_out", "退出"),
        ("job_paused", "暂停"),
        ("job_resumed", "恢复"),
        ("job_cancelled", "取消"),
        ("job_retried", "重试"),
        ("queue_paused", "暂停"),
        ("queue_resumed", "恢复"),
        ("dead_letters_replayed", "重发死信"),
        ("dead_letters_discarded", "丢弃死信"),
        ("worker_drained", "排空"),
        ("worker_resumed", "恢复工作"),
        ("installation_granted", "授予管理整个安装的权限"),
        ("installation_withdrawn", "收回管理整个安装的权限"),
    ],
    ways: [("dashboard", "控制台"), ("api", "API"), ("command_line", "命令行")],
    subjects: [("job", "任务"), ("queue", "队列"), ("worker", "工作进程"), ("operator", "操作员")],
};

#[cfg(test)]
mod tests {
    use drover_service::Action;

    use super::*;

    #[test]
    fn every_action_has_words() {
        for texts in [&ENGLISH, &CHINESE] {
            let known: Vec<&str> = texts.actions.iter().map(|(name, _)| *name).collect();
            assert_eq!(known, Action::ALL.map(Action::as_str));
        }
        assert_eq!(ENGLISH.action("of_a_newer_version"), "of_a_newer_version");
    }
}
