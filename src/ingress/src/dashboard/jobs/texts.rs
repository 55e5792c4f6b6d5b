//! The page's texts.

use crate::dashboard::language::Language;

/// The page's texts in a language.
pub(super) struct Texts {
    pub(super) title: &'static str,
    pub(super) text: &'static str,
    pub(super) text_hint: &'static str,
    pub(super) kind: &'static str,
    pub(super) state: &'static str,
    pub(super) tenant: &'static str,
    pub(super) any: &'static str,
    pub(super) search: &'static str,
    pub(super) all: &'static str,
    pub(super) job: &'static str,
    pub(super) brings: &'static str,
    pub(super) progress: &'static str,
    pub(super) failed: &'static str,
    pub(super) created: &'static str,
    pub(super) none: &'static str,
    pub(super) none_found: &'static str,
    pub(super) none_so_far: &'static str,
    pub(super) pages: &'static str,
    pub(super) newest: &'static str,
    pub(super) older: &'static str,
    pub(super) go_on: &'static str,
}

impl Texts {
    pub(super) const fn of(language: Language) -> &'static Self {
        language.pick(&ENGLISH, &CHINESE)
    }
}

const ENGLISH: Texts = Texts {
    title: "Jobs",
    text: "Name or number",
    text_hint: "part of a name",
    kind: "Kind",
    state: "State",
    tenant: "Tenant",
    any: "any",
    search: "Search",
    all: "All jobs",
    job: "Job",
    brings: "Brings",
    progress: "Ended",
    failed: "Failed",
    created: "Made",
    none: "There are no jobs yet. They appear here as soon as an API call makes one.",
    none_found: "No job matches.",
    none_so_far: "None of the jobs looked at so far matches, and there are older ones.",
    pages: "Pages of the list",
    newest: "Newest",
    older: "Older",
    go_on: "Search older jobs",
};

const CHINESE: Texts = Texts {
    title: "任务",
    text: "名称或编号",
    text_hint: "名称的一部分",
    kind: "类型",
    state: "状态",
    tenant: "租户",
    any: "不限",
    search: "搜索",
    all: "全部任务",
    job: "任务",
    brings: "内容",
    progress: "已结束",
    failed: "失败",
    created: "创建",
    none: "还没有任务。通过 API 创建后会立即显示在这里。",
    none_found: "没有符合条件的任务。",
    none_so_far: "目前查看的任务都不符合条件，还有更早的任务。",
    pages: "列表分页",
    newest: "最新",
    older: "更早",
    go_on: "继续搜索更早的任务",
};
