//! The texts of the questions about a job.

use drover_domain::JobKind;

use crate::dashboard::language::Language;

/// The texts of one step.
pub(super) struct StepTexts {
    /// Before the job's name.
    pub(super) title: &'static str,
    pub(super) consequence: &'static str,
    pub(super) button: &'static str,
    /// Afterwards, before the number of devices.
    pub(super) done: &'static str,
}

/// The texts in a language.
pub(super) struct Texts {
    pub(super) language: Language,
    pub(super) pause: StepTexts,
    pub(super) resume: StepTexts,
    pub(super) cancel: StepTexts,
    pub(super) retry: StepTexts,
    /// After the number of devices.
    pub(super) devices: &'static str,
    pub(super) cancel_publish: &'static str,
    pub(super) cancel_client: &'static str,
    pub(super) cancel_push: &'static str,
    pub(super) cancel_firmware: &'static str,
    pub(super) at_most: &'static str,
    pub(super) only: &'static str,
    pub(super) code: &'static str,
}

impl Texts {
    pub(super) const fn of(language: Language) -> &'static Self {
        language.pick(&ENGLISH, &CHINESE)
    }

    /// What cancelling does to what devices have.
    pub(super) const fn cancels(&self, kind: JobKind) -> &'static str {
        match kind {
            JobKind::Publish => self.cancel_publish,
            JobKind::Distribute => self.cancel_client,
            JobKind::Push => self.cancel_push,
            JobKind::Firmware => self.cancel_firmware,
        }
    }
}

const ENGLISH: Texts = Texts {
    language: Language::English,
    pause: StepTexts {
        title: "Pause",
        consequence: "Nothing more of this job goes out until it is resumed. What devices are at work on goes on. The job's own time limit goes on too.",
        button: "Pause the job",
        done: "The job is paused. Waiting until it is resumed:",
    },
    resume: StepTexts {
        title: "Resume",
        consequence: "What waits for its devices goes out at once.",
        button: "Resume the job",
        done: "The job goes on. Waited for it:",
    },
    cancel: StepTexts {
        title: "Cancel",
        consequence: "This ends the job for good.",
        button: "Cancel the job",
        done: "The job is cancelled. Affected:",
    },
    retry: StepTexts {
        title: "Try again:",
        consequence: "What failed is tried again, and the job runs until that has ended. Devices that are at work for another job, or were given something newer, are left alone.",
        button: "Try again",
        done: "They are tried again, one after the other:",
    },
    devices: "devices.",
    cancel_publish: "The version is offered no more, and the distributions that rest on this publication are cancelled too.",
    cancel_client: "What no device has yet is stopped; what devices have begun goes on.",
    cancel_push: "What no device has yet is stopped; what devices have begun goes on, and what is installed stays. If this push began an assignment, that ends too: nobody who joins later is given it.",
    cancel_firmware: "What no device has yet is stopped; devices that have begun are asked to stop.",
    at_most: "The number counts attempts that ended with this code, so it may be fewer devices.",
    only: "What ended as:",
    code: "with the code",
};

const CHINESE: Texts = Texts {
    language: Language::Chinese,
    pause: StepTexts {
        title: "暂停",
        consequence: "恢复之前，此任务不再下发任何命令。设备已在执行的会继续，任务自身的时限也继续计算。",
        button: "暂停任务",
        done: "任务已暂停。等待恢复：",
    },
    resume: StepTexts {
        title: "恢复",
        consequence: "等待中的命令将立即下发。",
        button: "恢复任务",
        done: "任务已恢复。此前等待：",
    },
    cancel: StepTexts {
        title: "取消",
        consequence: "任务将永久结束。",
        button: "取消任务",
        done: "任务已取消。受影响：",
    },
    retry: StepTexts {
        title: "重试：",
        consequence: "失败的命令将再次执行，任务会运行到它们全部结束。正在执行其他任务或已收到更新内容的设备不受影响。",
        button: "重试",
        done: "正在逐批重试：",
    },
    devices: "台设备。",
    cancel_publish: "该版本不再提供，基于此发布的分发任务也会一并取消。",
    cancel_client: "尚未送达设备的将停止；设备已开始的会继续。",
    cancel_push: "尚未送达设备的将停止；设备已开始的会继续，已安装的保留。如果分配由此次推送建立，分配也随之结束：之后加入的设备不会再收到。",
    cancel_firmware: "尚未送达设备的将停止；已开始的设备会被要求停止。",
    at_most: "该数字按以此代码结束的尝试计算，实际设备数可能更少。",
    only: "结束状态：",
    code: "代码",
};
