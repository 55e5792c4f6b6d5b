//! A second method, which is one file and one line.

pub(super) mod session_show;
