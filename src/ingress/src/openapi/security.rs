//! How callers show who they are.

use utoipa::{
    Modify,
    openapi::{
        OpenApi,
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

/// Adds the ways to log in: `bearer` and `access_token` take an operator's access token, `device` a device's uuid and token.
pub(super) struct Logins;

impl Modify for Logins {
    fn modify(&self, document: &mut OpenApi) {
        let http = |scheme, said: &str| {
            SecurityScheme::Http(HttpBuilder::new().scheme(scheme).description(Some(said)).build())
        };
        let query = ApiKeyValue::with_description("access_token", "The same token, as a parameter");
        let schemes = [
            ("bearer", http(HttpAuthScheme::Bearer, "An access token, from POST /mdm/oauth/token")),
            ("access_token", SecurityScheme::ApiKey(ApiKey::Query(query))),
            ("device", http(HttpAuthScheme::Basic, "A device's uuid and token")),
        ];
        document.components.get_or_insert_default().add_security_schemes_from_iter(schemes);
    }
}
