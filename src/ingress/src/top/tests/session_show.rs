//! A method that only tests know: it needs a session, and answers whose it is.

use drover_service::Operator;

use crate::top::{
    methods::{Method, Parameter},
    wire::Value,
};

/// As its document would declare it.
pub(in crate::top) const METHOD: Method = Method {
    name: "drover.session.show",
    parameters: &[Parameter::required("greeting"), Parameter::optional("tenant_id")],
    needs_session: true,
    answer: |call| {
        Box::pin(async move {
            let name = call.session.as_ref().map(|Operator { login_id, .. }| login_id.clone()).unwrap_or_default();
            let greeting = call.params.get("greeting").unwrap_or_default();
            Ok(vec![("text", Value::text(format!("{greeting}, {name}")))])
        })
    },
};
