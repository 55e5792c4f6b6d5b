use drover_domain::UserId;
use drover_service::{ListFrom, UserChange, UserFilter};

use crate::tree::{Tree, all, device, refused, user};

async fn accounts(tree: &Tree, caller: &drover_service::Operator, organisation: Option<&str>) -> Vec<String> {
    let filter = UserFilter { organisation: organisation.map(str::to_owned), account: None };
    let list = tree.service().users(caller, &filter, &all()).await.unwrap();
    list.items.into_iter().map(|user| user.account).collect()
}

#[tokio::test]
async fn an_administrator_of_a_part_sees_and_changes_that_part() {
    let tree = Tree::new().await;
    let (inner, outer) = (tree.add_user("inner", "east-1").await, tree.add_user("outer", "west").await);
    let own = tree.service().add_user(&tree.east, &user("own", None)).await.unwrap();
    assert_eq!(own.organisation_code, "east", "who adds a user without saying where adds it at home");

    assert_eq!(accounts(&tree, &tree.admin, None).await, ["own", "inner", "outer"]);
    assert_eq!(accounts(&tree, &tree.east, None).await, ["own", "inner"]);
    assert_eq!(accounts(&tree, &tree.reader, Some("east-1")).await, ["inner"]);
    assert_eq!(accounts(&tree, &tree.stranger, None).await, [""; 0]);

    let service = tree.service();
    for caller in [&tree.east, &tree.stranger] {
        for id in [outer.id, UserId(9_999_999)] {
            let unknown = format!("no user {id}");
            assert_eq!(refused(service.user(caller, id).await), unknown);
            assert_eq!(refused(service.change_user(caller, id, UserChange::default()).await), unknown);
            assert_eq!(refused(service.delete_user(caller, id).await), unknown);
        }
    }
    let elsewhere = "invalid organisation: there is no organisation of this code";
    for code in ["west", "root", "nowhere", "a\0b"] {
        assert_eq!(refused(service.add_user(&tree.east, &user("x", Some(code))).await), elsewhere);
        let change = UserChange { organisation: Some(code.into()), ..UserChange::default() };
        assert_eq!(refused(service.change_user(&tree.east, inner.id, change).await), elsewhere);
        let filter = UserFilter { organisation: Some(code.into()), account: None };
        assert_eq!(refused(service.users(&tree.east, &filter, &all()).await), elsewhere);
    }
    assert_eq!(refused(service.add_user(&tree.reader, &user("x", None)).await), "forbidden");
    assert_eq!(refused(service.change_user(&tree.reader, own.id, UserChange::default()).await), "forbidden");
    assert_eq!(refused(service.delete_user(&tree.reader, own.id).await), "forbidden");
    assert_eq!(tree.count("users").await, 3);
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_say() {
    let tree = Tree::new().await;
    let service = tree.service();
    let (ann, _) = (tree.add_user("ann", "east").await, tree.add_user("bob", "east").await);
    let change = UserChange { mail: Some("a@b".into()), organisation: Some("west".into()), ..UserChange::default() };
    let changed = service.change_user(&tree.admin, ann.id, change).await.unwrap();
    assert_eq!((changed.account.as_str(), changed.name.as_str(), changed.mail.as_str()), ("ann", "n", "a@b"));
    assert_eq!(changed.organisation_code, "west");
    assert!(changed.updated_at > ann.updated_at);

    for (account, reason) in [
        ("bob", "conflict account: bob is taken"),
        (" ", "invalid account: must not be empty"),
        ("a\0", "invalid account: holds a NUL character"),
    ] {
        let change = UserChange { account: Some(account.into()), ..UserChange::default() };
        assert_eq!(refused(service.change_user(&tree.admin, ann.id, change).await), reason);
    }
    assert_eq!(refused(service.add_user(&tree.admin, &user("bob", None)).await), "conflict account: bob is taken");
    assert_eq!(
        service.add_user(&tree.stranger, &user("bob", None)).await.unwrap().account,
        "bob",
        "another tenant's own"
    );
}

#[tokio::test]
async fn who_holds_a_device_stays() {
    let tree = Tree::new().await;
    let service = tree.service();
    let ann = tree.add_user("ann", "east").await;
    let new = drover_service::NewManagedDevice { user: Some("ann".into()), ..device("d1") };
    service.enrol_device(&tree.admin, &new).await.unwrap();
    let holds = "conflict the user holds devices: give them to somebody else first";
    assert_eq!(refused(service.delete_user(&tree.admin, ann.id).await), holds);
    let change = drover_service::DeviceChange { user: Some(None), ..Default::default() };
    service.change_device(&tree.admin, "d1", &change).await.unwrap();
    service.delete_user(&tree.admin, ann.id).await.unwrap();
    assert_eq!(refused(service.user(&tree.admin, ann.id).await), format!("no user {}", ann.id));
}

#[tokio::test]
async fn pages_follow_each_other_through_the_tree() {
    let tree = Tree::new().await;
    for n in 0..5 {
        tree.add_user(&format!("w{n}"), "west").await;
        tree.add_user(&format!("e{n}"), "east").await;
        tree.add_user(&format!("i{n}"), "east-1").await;
    }
    for limit in [1, 2, 5, 7, 15, 16] {
        let (mut found, mut from) = (Vec::new(), ListFrom { after: None, limit });
        loop {
            let list = tree.service().users(&tree.admin, &UserFilter::default(), &from).await.unwrap();
            assert!(list.items.len() <= limit as usize);
            found.extend(list.items.into_iter().map(|user| user.account));
            let Some(next) = list.next else { break };
            from.after = Some(next);
        }
        let all = ["e0 e1 e2 e3 e4", "i0 i1 i2 i3 i4", "w0 w1 w2 w3 w4"].join(" ");
        let all: Vec<&str> = all.split(' ').collect();
        let mut sorted = found.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, all, "limit {limit}: each once");
    }
    let one = UserFilter { organisation: None, account: Some("i3".into()) };
    let list = tree.service().users(&tree.east, &one, &ListFrom { after: None, limit: 1 }).await.unwrap();
    assert_eq!((list.items.len(), list.next), (1, None));
    for (after, limit, reason) in [
        (Some("x"), 1, "invalid after: is not what a page of this list ended with"),
        (Some("9999999-1"), 1, "invalid after: is not what a page of this list ended with"),
        (None, 0, "invalid limit: is from 1 to 1000"),
        (None, 1001, "invalid limit: is from 1 to 1000"),
    ] {
        let from = ListFrom { after: after.map(str::to_owned), limit };
        assert_eq!(refused(tree.service().users(&tree.admin, &UserFilter::default(), &from).await), reason);
    }
}
