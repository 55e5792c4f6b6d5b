//! Words about client programs.

use std::fmt;

/// Which terminals a client program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TerminalClass {
    /// Terminals that are managed themselves.
    Direct,
    /// Terminals that hang on a managed one.
    Extended,
}

impl TerminalClass {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Direct, Self::Extended];

    /// The class's name in rows and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "0",
            Self::Extended => "1",
        }
    }

    /// The class of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }
}

/// The labels of a client group, COPE or BYOD for example.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UiFamily(Vec<String>);

/// Not the labels of a client group.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUiFamily {
    /// There are too many.
    #[error("holds {0} labels, and may hold {max}", max = UiFamily::MAX_LABELS)]
    Count(usize),
    /// One is too long.
    #[error("the label {0:?} is longer than {max} characters", max = UiFamily::MAX_LABEL_CHARS)]
    Length(String),
}

impl UiFamily {
    /// The most labels.
    pub const MAX_LABELS: usize = 5;
    /// The longest label.
    pub const MAX_LABEL_CHARS: usize = 10;

    /// Reads labels with commas between them. Blanks around a label are not part of it, and empty ones and repetitions
    /// say nothing.
    pub fn parse(text: &str) -> Result<Self, InvalidUiFamily> {
        let mut labels: Vec<String> = Vec::new();
        for label in text.split(',').map(str::trim).filter(|label| !label.is_empty()) {
            if label.chars().nth(Self::MAX_LABEL_CHARS).is_some() {
                // What is quoted back must not grow with what was sent.
                return Err(InvalidUiFamily::Length(label.chars().take(2 * Self::MAX_LABEL_CHARS).collect()));
            }
            if !labels.iter().any(|known| known == label) {
                labels.push(label.to_owned());
            }
        }
        if labels.len() > Self::MAX_LABELS { Err(InvalidUiFamily::Count(labels.len())) } else { Ok(Self(labels)) }
    }

    /// Whether it bears no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it bears a label, to the letter.
    pub fn bears(&self, label: &str) -> bool {
        self.0.iter().any(|known| known == label)
    }
}

impl fmt::Display for UiFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn at_most_five_labels_of_ten_characters() {
        let labels = |text: &str| UiFamily::parse(text).map(|labels| labels.to_string());
        assert_eq!(labels("COPE, BYOD,,COPE,"), Ok("COPE,BYOD".into()));
        assert_eq!(labels(""), Ok(String::new()));
        assert_eq!(labels("标签标签标签标签标签"), Ok("标签标签标签标签标签".into()), "characters, not bytes");
        assert_eq!(labels("a,b,c,d,e"), Ok("a,b,c,d,e".into()));
        assert_eq!(labels("a,b,c,d,e,f"), Err(InvalidUiFamily::Count(6)));
        assert_eq!(labels("a,12345678901"), Err(InvalidUiFamily::Length("12345678901".into())));
    }

    #[test]
    fn terminal_classes_parse_back() {
        assert!(TerminalClass::ALL.into_iter().all(|class| TerminalClass::parse(class.as_str()) == Some(class)));
        assert_eq!(TerminalClass::parse("2"), None);
    }

    proptest! {
        #[test]
        fn what_is_kept_reads_back(text in "[a-c ,]{0,24}") {
            if let Ok(labels) = UiFamily::parse(&text) {
                prop_assert_eq!(UiFamily::parse(&labels.to_string()), Ok(labels));
            }
        }
    }
}
