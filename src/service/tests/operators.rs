//! Operators: who may make, change and end whom.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use drover_domain::{OrganisationId, Role};
use drover_service::{
    NewOperator, Operator, OperatorChange, OperatorLogin, Secret, ServiceError, ServiceOptions, TokenCheck,
};
use support::World;

const PASSWORD: &str = "correct horse battery";

struct Office {
    world: World,
    owner: Operator,
}

impl Office {
    async fn new() -> Self {
        let options = ServiceOptions { access_token_cache: Duration::ZERO, ..ServiceOptions::default() };
        let world = World::with(options).await;
        let owner = world.service.owner_of("acme").await.unwrap();
        for code in ["north", "south"] {
            world.service.add_organisation(&owner, None, code, code).await.unwrap();
        }
        Self { world, owner }
    }

    async fn organisation(&self, code: &str) -> OrganisationId {
        self.world.service.organisation_by_code(&self.owner, code).await.unwrap().id
    }

    async fn add(
        &self,
        by: &Operator,
        login: &str,
        role: Role,
        organisation: Option<&str>,
    ) -> Result<Operator, ServiceError> {
        let organisation = match organisation {
            Some(code) => Some(self.organisation(code).await),
            None => None,
        };
        let (login_id, name, password) = (login.to_owned(), login.to_owned(), Secret::new(PASSWORD));
        let new = NewOperator { login_id, name, role, organisation, password };
        Ok(self.world.service.add_operator(by, new).await?.into())
    }

    async fn log_in(&self, login: &str) -> String {
        match self.world.service.log_in("acme", login, &Secret::new(PASSWORD)).await.unwrap() {
            OperatorLogin::Accepted(issued) => issued.token.expose().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    /// What a token is good for now.
    async fn caller(&self, token: &str) -> Option<Operator> {
        match self.world.service.authenticate_operator(token).await.unwrap() {
            TokenCheck::Accepted(operator) => Some(*operator),
            _ => None,
        }
    }
}

/// What becomes of a wish, in a word.
fn word<T>(result: Result<T, ServiceError>) -> &'static str {
    match result {
        Ok(_) => "done",
        Err(ServiceError::Forbidden { .. }) => "forbidden",
        Err(ServiceError::NotFound { .. }) => "unknown",
        Err(ServiceError::Conflict { .. }) => "conflict",
        Err(ServiceError::Invalid { field, .. }) => field,
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn nobody_makes_somebody_who_may_do_more() {
    let office = Office::new().await;
    let boss = office.add(&office.owner, "boss", Role::TenantAdmin, None).await.unwrap();
    let north = office.add(&boss, "north", Role::OrgAdmin, Some("north")).await.unwrap();
    let reader = office.add(&north, "reader", Role::ReadOnly, None).await.unwrap();
    assert_eq!(reader.organisation.code, "north", "that of whoever made it");
    assert_eq!(word(office.add(&north, "n2", Role::OrgAdmin, Some("north")).await), "done");
    for (by, role, organisation, expected) in [
        (&north, Role::TenantAdmin, None, "forbidden"),
        (&north, Role::ReadOnly, Some("south"), "unknown"),
        (&north, Role::ReadOnly, Some("root"), "unknown"),
        (&reader, Role::ReadOnly, None, "forbidden"),
        (&boss, Role::TenantAdmin, Some("north"), "organisation"),
        (&boss, Role::OrgAdmin, Some("south"), "done"),
    ] {
        let organisation = match organisation {
            Some(code) => Some(office.organisation(code).await),
            None => None,
        };
        let new = NewOperator {
            login_id: "new".into(),
            name: "new".into(),
            role,
            organisation,
            password: Secret::new(PASSWORD),
        };
        assert_eq!(word(office.world.service.add_operator(by, new).await), expected, "{role:?}");
    }
    assert_eq!(word(office.add(&boss, "new", Role::ReadOnly, None).await), "conflict", "the login is taken");
}

#[tokio::test]
async fn an_organisations_administrator_manages_its_own_and_nobody_above() {
    let office = Office::new().await;
    let service = &office.world.service;
    let boss = office.add(&office.owner, "boss", Role::TenantAdmin, None).await.unwrap();
    let north = office.add(&boss, "north", Role::OrgAdmin, Some("north")).await.unwrap();
    let south = office.add(&boss, "south", Role::OrgAdmin, Some("south")).await.unwrap();
    // Stands where the tenant administrators stand, and is none.
    let top = office.add(&boss, "top", Role::OrgAdmin, Some("root")).await.unwrap();
    let password = Secret::new("another long password");
    let raise = || OperatorChange { role: Some(Role::TenantAdmin), ..OperatorChange::default() };
    for (by, target, expected) in
        [(&north, &south, "unknown"), (&north, &boss, "unknown"), (&top, &boss, "forbidden"), (&top, &south, "done")]
    {
        assert_eq!(word(service.set_operator_password(by, target.id, &password).await), expected);
        assert_eq!(word(service.set_operator_disabled(by, target.id, true).await), expected);
        assert_eq!(word(service.change_operator(by, target.id, OperatorChange::default()).await), expected);
    }
    assert_eq!(word(service.change_operator(&top, top.id, raise()).await), "forbidden", "not even oneself");
    assert_eq!(word(service.change_operator(&north, north.id, raise()).await), "forbidden");
    let away = OperatorChange { organisation: Some(office.organisation("south").await), ..OperatorChange::default() };
    assert_eq!(word(service.change_operator(&north, north.id, away).await), "unknown");
    let seen = service.operators(&north, None, 10).await.unwrap();
    assert_eq!(seen.iter().map(|operator| operator.login_id.as_str()).collect::<Vec<_>>(), ["north"]);
    assert_eq!(word(service.operator(&north, south.id).await), "unknown");
    service.add_tenant("other").await.unwrap();
    let stranger = service.owner_of("other").await.unwrap();
    assert_eq!(word(service.set_operator_disabled(&stranger, boss.id, true).await), "unknown");
}

#[tokio::test]
async fn a_change_counts_for_the_tokens_that_are_out() {
    let office = Office::new().await;
    let service = &office.world.service;
    let north = office.add(&office.owner, "north", Role::OrgAdmin, Some("north")).await.unwrap();
    let token = office.log_in("north").await;
    let change = OperatorChange { role: Some(Role::ReadOnly), name: Some("北".into()), organisation: None };
    service.change_operator(&office.owner, north.id, change).await.unwrap();
    let caller = office.caller(&token).await.unwrap();
    assert_eq!((caller.role, caller.name.as_str()), (Role::ReadOnly, "北"));
    let raised = OperatorChange { role: Some(Role::TenantAdmin), ..OperatorChange::default() };
    service.change_operator(&office.owner, north.id, raised).await.unwrap();
    assert_eq!(office.caller(&token).await.unwrap().organisation.parent, None, "it stands at the root now");
    let (south, north) = (office.organisation("south").await, office.organisation("north").await);
    let moved = office.add(&office.owner, "s", Role::OrgAdmin, Some("south")).await.unwrap();
    let token = office.log_in("s").await;
    service.move_organisation(&office.owner, south, north).await.unwrap();
    let caller = office.caller(&token).await.unwrap();
    assert_eq!((caller.id, caller.organisation.parent), (moved.id, Some(north)));
}

#[tokio::test]
async fn a_tenant_always_has_an_administrator() {
    let office = Office::new().await;
    let service = &office.world.service;
    let one = office.add(&office.owner, "one", Role::TenantAdmin, None).await.unwrap();
    assert_eq!(word(service.set_operator_disabled(&one, one.id, true).await), "conflict");
    let lower = || OperatorChange { role: Some(Role::ReadOnly), ..OperatorChange::default() };
    assert_eq!(word(service.change_operator(&one, one.id, lower()).await), "conflict");
    let two = office.add(&one, "two", Role::TenantAdmin, None).await.unwrap();
    for _ in 0..8 {
        let (ended, lowered) = tokio::join!(
            service.set_operator_disabled(&one, two.id, true),
            service.change_operator(&two, one.id, lower()),
        );
        let mut words = [word(ended), word(lowered)];
        words.sort_unstable();
        assert_eq!(words, ["conflict", "done"], "each ends the other");
        service.set_operator_disabled(&office.owner, two.id, false).await.unwrap();
        let raised = OperatorChange { role: Some(Role::TenantAdmin), ..OperatorChange::default() };
        service.change_operator(&office.owner, one.id, raised).await.unwrap();
    }
}

#[tokio::test]
async fn a_password_that_changes_while_its_owner_logs_in_leaves_no_token() {
    let office = Office::new().await;
    let service = &office.world.service;
    let li = office.add(&office.owner, "li", Role::TenantAdmin, None).await.unwrap();
    let (old, new) = (Secret::new(PASSWORD), Secret::new("another long password"));
    let (login, changed) =
        tokio::join!(service.log_in("acme", "li", &old), service.set_operator_password(&office.owner, li.id, &new));
    changed.unwrap();
    if let OperatorLogin::Accepted(issued) = login.unwrap() {
        assert!(office.caller(issued.token.expose()).await.is_none(), "it came before the change, which ended it");
    }
    for (password, is_right) in [(&old, false), (&new, true)] {
        let login = service.log_in("acme", "li", password).await.unwrap();
        assert_eq!(matches!(login, OperatorLogin::Accepted(_)), is_right);
    }
}
