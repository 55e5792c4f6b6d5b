//! The texts of the workers' page.

use crate::dashboard::language::Language;

/// The texts in a language.
pub(super) struct Texts {
    pub(super) title: &'static str,
    pub(super) host: &'static str,
    pub(super) version: &'static str,
    pub(super) roles: &'static str,
    pub(super) state: &'static str,
    pub(super) in_flight: &'static str,
    pub(super) rate: &'static str,
    pub(super) beat: &'static str,
    pub(super) ago: &'static str,
    pub(super) act: &'static str,
    pub(super) working: &'static str,
    pub(super) draining: &'static str,
    pub(super) drained: &'static str,
    pub(super) gone: &'static str,
    pub(super) drain: &'static str,
    pub(super) resume: &'static str,
    pub(super) drain_consequence: &'static str,
    pub(super) holds_broker: &'static str,
    pub(super) alone: &'static str,
    pub(super) resume_consequence: &'static str,
    pub(super) no_workers: &'static str,
}

impl Texts {
    pub(super) const fn of(language: Language) -> &'static Self {
        language.pick(&ENGLISH, &CHINESE)
    }
}

const ENGLISH: Texts = Texts {
    title: "Workers",
    host: "Host",
    version: "Version",
    roles: "Roles",
    state: "State",
    in_flight: "In hand",
    rate: "Handled, a second",
    beat: "Last heard of",
    ago: "ago",
    act: "Step in",
    working: "working",
    draining: "draining",
    drained: "drained",
    gone: "gone",
    drain: "Drain",
    resume: "Resume",
    drain_consequence: "The process takes no more work: what it has in hand ends, and it goes on to answer HTTP. Others with its roles take over.",
    holds_broker: "The broker is inside this process: nothing at all is sent until it is resumed.",
    alone: "No other process that works has these roles:",
    resume_consequence: "The process takes work again.",
    no_workers: "No process was heard of in the last hour. Start one: drover up, or drover serve.",
};

const CHINESE: Texts = Texts {
    title: "工作进程",
    host: "主机",
    version: "版本",
    roles: "角色",
    state: "状态",
    in_flight: "处理中",
    rate: "每秒处理",
    beat: "最近心跳",
    ago: "前",
    act: "操作",
    working: "工作中",
    draining: "排空中",
    drained: "已排空",
    gone: "已失联",
    drain: "排空",
    resume: "恢复",
    drain_consequence: "该进程不再接受新工作：正在处理的会完成，仍继续响应 HTTP。拥有相同角色的其他进程会接手。",
    holds_broker: "消息代理位于该进程内：恢复之前不会发送任何消息。",
    alone: "没有其他正在工作的进程拥有这些角色：",
    resume_consequence: "该进程将重新接受工作。",
    no_workers: "最近一小时没有收到任何进程的心跳。请启动：drover up 或 drover serve。",
};
