//! What a call names is removed after it was looked up, and before it is written.

use std::time::Duration;

use drover_domain::{Role, UserId};
use drover_service::{
    DeviceChange, ImportKind, MemberChange, NewManagedDevice, NewOperator, NewUserSet, Secret, ServiceError,
    UserChange, UserSetChange, UserSetKind,
};
use drover_testkit::wait_until;

use crate::tree::{Tree, device, refused, user};

const MEANWHILE: &str = "conflict something that this names was removed meanwhile";

/// What a call answers that met a removal: it sees what is to go, and comes to write it before that is gone.
async fn meeting<T: std::fmt::Debug>(
    tree: &Tree,
    removal: &str,
    call: impl Future<Output = Result<T, ServiceError>>,
) -> String {
    let (mut remover, watcher) = (tree.world.client().await, tree.world.client().await);
    let tx = remover.transaction().await.unwrap();
    assert_eq!(tx.execute(removal, &[]).await.unwrap(), 1, "{removal}");
    let blocked = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)";
    let remove = async {
        let is_blocked = async || watcher.query_one(blocked, &[]).await.unwrap().get::<_, bool>(0);
        wait_until(Duration::from_mins(1), "the call to wait for the removal", is_blocked).await;
        tx.commit().await.unwrap();
    };
    refused(tokio::join!(call, remove).0)
}

#[tokio::test]
async fn an_organisation_that_goes_meanwhile_is_a_conflict() {
    let tree = Tree::new().await;
    let (service, admin) = (tree.service(), &tree.admin);
    let held = tree.add_user("held", "west").await;
    tree.enrol("held", "west").await;
    let west = || Some("west".to_owned());
    let add = "INSERT INTO organisations (tenant_id, parent_id, code, name, path, id) OVERRIDING SYSTEM VALUE
        SELECT tenant_id, id, 'x', 'x', path || '9999/', 9999 FROM organisations WHERE code = 'root' AND tenant_id = $1";
    let gone = "DELETE FROM organisations WHERE id = 9999";
    let x = || Some("x".to_owned());
    let come = async || {
        let added = tree.world.client().await.execute(add, &[&admin.tenant.0]).await.unwrap();
        assert_eq!(added, 1);
    };
    come().await;
    assert_eq!(meeting(&tree, gone, service.add_user(admin, &user("new", Some("x")))).await, MEANWHILE);
    come().await;
    let change = UserChange { organisation: x(), ..UserChange::default() };
    assert_eq!(meeting(&tree, gone, service.change_user(admin, held.id, change)).await, MEANWHILE);
    come().await;
    let new = NewManagedDevice { organisation: x(), ..device("new") };
    assert_eq!(meeting(&tree, gone, service.enrol_device(admin, &new)).await, MEANWHILE);
    come().await;
    let change = DeviceChange { organisation: x(), ..DeviceChange::default() };
    assert_eq!(meeting(&tree, gone, service.change_device(admin, "held", &change)).await, MEANWHILE);
    come().await;
    let (name, password) = ("new".to_owned(), Secret::new("correct horse battery"));
    let organisation = Some(drover_domain::OrganisationId(9999));
    let new = NewOperator { login_id: name.clone(), name, role: Role::OrgAdmin, organisation, password };
    assert_eq!(meeting(&tree, gone, service.add_operator(admin, new)).await, MEANWHILE);
    for (kind, csv) in
        [(ImportKind::Users, "account,organisation\nnew,x\n"), (ImportKind::Devices, "uuid,organisation\nnew,x\n")]
    {
        come().await;
        assert_eq!(meeting(&tree, gone, service.import(admin, kind, csv.as_bytes())).await, MEANWHILE);
    }
    for kind in [UserSetKind::Group, UserSetKind::Label] {
        let new = NewUserSet { name: "held".into(), description: String::new(), organisation: west() };
        let id = service.add_user_set(admin, kind, &new).await.unwrap().id;
        come().await;
        let new = NewUserSet { name: "new".into(), organisation: x(), ..new };
        assert_eq!(meeting(&tree, gone, service.add_user_set(admin, kind, &new)).await, MEANWHILE);
        come().await;
        let change = UserSetChange { organisation: x(), ..UserSetChange::default() };
        assert_eq!(meeting(&tree, gone, service.change_user_set(admin, kind, id, &change)).await, MEANWHILE);
    }
    let counts = (tree.count("users").await, tree.count("operators").await, tree.count("user_groups").await);
    assert_eq!(counts, (1, 0, 1), "nothing new");
}

#[tokio::test]
async fn a_user_or_a_set_that_goes_meanwhile_is_told_of() {
    let tree = Tree::new().await;
    let (service, admin) = (tree.service(), &tree.admin);
    let gone = |id: UserId| format!("DELETE FROM users WHERE id = {id}");
    let holder = tree.add_user("holder", "west").await.id;
    let new = NewManagedDevice { user: Some("holder".into()), ..device("new") };
    assert_eq!(meeting(&tree, &gone(holder), service.enrol_device(admin, &new)).await, MEANWHILE);
    for (kind, table, word) in [(UserSetKind::Group, "user_groups", "group"), (UserSetKind::Label, "labels", "label")] {
        let member = tree.add_user("member", "west").await.id;
        let new = NewUserSet { name: "s".into(), description: String::new(), organisation: None };
        let id = service.add_user_set(admin, kind, &new).await.unwrap().id;
        let change = MemberChange { add: vec![member.0], remove: vec![] };
        let told = meeting(&tree, &gone(member), service.change_members(admin, kind, id, &change)).await;
        assert_eq!(told, format!("invalid add: no such user: {member}"));
        let other = tree.add_user("other", "west").await.id;
        let change = MemberChange { add: vec![other.0], remove: vec![] };
        let removal = format!("DELETE FROM {table} WHERE id = {id}");
        // Its row is locked before anything is written, so here the set is known to be gone.
        let told = meeting(&tree, &removal, service.change_members(admin, kind, id, &change)).await;
        assert_eq!(told, format!("no {word} {id}"));
        service.delete_user(admin, other).await.unwrap();
    }
    assert_eq!(tree.count("devices WHERE uuid = 'new'").await, 0);
}
