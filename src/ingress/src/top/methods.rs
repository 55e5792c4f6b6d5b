//! The methods of the gateway. Each is a file that declares one [`Method`], and a line in the registry below. It reads its
//! parameters and answers; who calls, what is missing and what is unknown is the gateway's to find.

mod software_list_check;

use chrono::{DateTime, Utc};
use drover_service::{Caller, Operator, Service};
use futures_util::future::BoxFuture;

use super::{errors::TopError, params::Params, wire::Field};

/// Every method.
const METHODS: &[&Method] = &[
    &software_list_check::METHOD,
    #[cfg(test)]
    &super::tests::session_show::METHOD,
];

/// A method, as its document declares it.
#[derive(Debug)]
pub(super) struct Method {
    /// Its name.
    pub(super) name: &'static str,
    /// Its own parameters, in the order of its document.
    pub(super) parameters: &'static [Parameter],
    /// Whether it is for operators alone. A session that is given is checked in any case.
    pub(super) needs_session: bool,
    /// Reads the parameters and answers: the fields of the answer, in the order of its document.
    pub(super) answer: fn(Call) -> BoxFuture<'static, Result<Vec<Field>, TopError>>,
}

/// A parameter of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameter {
    /// Its name.
    pub(super) name: &'static str,
    /// Whether a call must have it.
    pub(super) is_required: bool,
}

impl Parameter {
    /// One that every call must have.
    pub(super) const fn required(name: &'static str) -> Self {
        Self { name, is_required: true }
    }

    /// One that may be left out.
    pub(super) const fn optional(name: &'static str) -> Self {
        Self { name, is_required: false }
    }
}

/// A call of a method: signed, with every parameter that is required and none that is unknown.
#[derive(Clone)]
pub(super) struct Call {
    /// The use cases.
    pub(super) service: Service,
    /// Who calls.
    pub(super) caller: Caller,
    /// On whose behalf.
    #[cfg_attr(not(test), expect(dead_code, reason = "no method so far is for operators"))]
    pub(super) session: Option<Operator>,
    /// What was sent.
    pub(super) params: Params,
    /// When the call was made, by the caller's clock.
    pub(super) sent_at: DateTime<Utc>,
}

/// The method of that name.
pub(super) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().copied().find(|method| method.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::top::params::COMMON;

    #[test]
    fn a_method_is_found_by_its_name_alone() {
        for method in METHODS {
            assert_eq!(find(method.name).map(|found| found.name), Some(method.name));
        }
        assert!(find("wdk.rex.software.list").is_none() && find("").is_none());
    }

    #[test]
    fn no_parameter_has_a_name_twice() {
        for method in METHODS {
            let mut names: Vec<_> = method.parameters.iter().map(|parameter| parameter.name).chain(COMMON).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "{}", method.name);
        }
    }
}
