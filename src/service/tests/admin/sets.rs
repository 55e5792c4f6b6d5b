use std::time::Duration;

use drover_service::{ListFrom, MemberChange, MembersChanged, NewUserSet, UserSetChange, UserSetKind};
use drover_testkit::wait_until;

use crate::tree::{Tree, all, refused};

const KINDS: [UserSetKind; 2] = [UserSetKind::Group, UserSetKind::Label];

fn set(name: &str, organisation: Option<&str>) -> NewUserSet {
    NewUserSet { name: name.into(), description: "d".into(), organisation: organisation.map(str::to_owned) }
}

fn members(add: &[i64], remove: &[i64]) -> MemberChange {
    MemberChange { add: add.to_vec(), remove: remove.to_vec() }
}

#[tokio::test]
async fn sets_are_within_reach_or_not_there() {
    let tree = Tree::new().await;
    let service = tree.service();
    for kind in KINDS {
        let word = kind.word();
        let outer = service.add_user_set(&tree.admin, kind, &set("outer", Some("west"))).await.unwrap();
        let inner = service.add_user_set(&tree.east, kind, &set("inner", None)).await.unwrap();
        assert_eq!((inner.organisation_code.as_str(), inner.description.as_str()), ("east", "d"));
        let names = async |caller, organisation| {
            let list = service.user_sets(caller, kind, organisation, &all()).await.unwrap();
            list.items.into_iter().map(|set| set.name).collect::<Vec<_>>()
        };
        assert_eq!(names(&tree.admin, None).await, ["outer", "inner"]);
        assert_eq!(names(&tree.admin, Some("east")).await, ["inner"]);
        assert_eq!(names(&tree.reader, None).await, ["inner"]);
        assert_eq!(names(&tree.stranger, None).await, [""; 0]);
        for (caller, id) in [(&tree.east, outer.id), (&tree.stranger, inner.id), (&tree.admin, 9_999_999)] {
            let unknown = format!("no {word} {id}");
            assert_eq!(refused(service.user_set(caller, kind, id).await), unknown);
            assert_eq!(refused(service.change_user_set(caller, kind, id, &UserSetChange::default()).await), unknown);
            assert_eq!(refused(service.delete_user_set(caller, kind, id).await), unknown);
            assert_eq!(refused(service.user_set_members(caller, kind, id, &all()).await), unknown);
            assert_eq!(refused(service.change_members(caller, kind, id, &members(&[], &[])).await), unknown);
        }
        let taken = "conflict name: outer is taken";
        assert_eq!(refused(service.add_user_set(&tree.east, kind, &set("outer", None)).await), taken);
        let elsewhere = "invalid organisation: there is no organisation of this code";
        assert_eq!(refused(service.add_user_set(&tree.east, kind, &set("x", Some("west"))).await), elsewhere);
        let change = UserSetChange { organisation: Some("west".into()), ..UserSetChange::default() };
        assert_eq!(refused(service.change_user_set(&tree.east, kind, inner.id, &change).await), elsewhere);
        let change = UserSetChange { name: Some("outer".into()), ..UserSetChange::default() };
        assert_eq!(refused(service.change_user_set(&tree.east, kind, inner.id, &change).await), taken);
        let change = UserSetChange { name: Some("renamed".into()), ..UserSetChange::default() };
        let changed = service.change_user_set(&tree.east, kind, inner.id, &change).await.unwrap();
        assert_eq!((changed.name.as_str(), changed.description.as_str()), ("renamed", "d"));
        for attempt in [
            refused(service.add_user_set(&tree.reader, kind, &set("x", None)).await),
            refused(service.change_user_set(&tree.reader, kind, inner.id, &change).await),
            refused(service.delete_user_set(&tree.reader, kind, inner.id).await),
            refused(service.change_members(&tree.reader, kind, inner.id, &members(&[], &[])).await),
        ] {
            assert_eq!(attempt, "forbidden");
        }
        service.delete_user_set(&tree.east, kind, inner.id).await.unwrap();
        assert_eq!(names(&tree.admin, None).await, ["outer"]);
    }
}

#[tokio::test]
async fn members_come_and_go_all_or_none() {
    let tree = Tree::new().await;
    let service = tree.service();
    let mut ids = Vec::new();
    for (account, organisation) in [("a", "east"), ("b", "east-1"), ("c", "east"), ("w", "west")] {
        ids.push(tree.add_user(account, organisation).await.id.0);
    }
    let [a, b, c, w] = ids[..] else { panic!("four users") };
    for kind in KINDS {
        let id = service.add_user_set(&tree.east, kind, &set("s", None)).await.unwrap().id;
        let change = async |caller, change| service.change_members(caller, kind, id, &change).await;
        let changed = change(&tree.east, members(&[a, b, b, c], &[c])).await.unwrap();
        assert_eq!(changed, MembersChanged { added: 3, removed: 1 }, "who is added and taken away is away");
        let again = change(&tree.east, members(&[a, b], &[c])).await.unwrap();
        assert_eq!(again, MembersChanged { added: 0, removed: 0 });

        let unknown = format!("invalid add: no such user: {w}");
        assert_eq!(refused(change(&tree.east, members(&[c, w], &[])).await), unknown);
        assert_eq!(refused(change(&tree.east, members(&[c], &[w])).await), unknown.replace("add", "remove"));
        let many: Vec<i64> = (0..10_001).collect();
        assert_eq!(refused(change(&tree.east, members(&many, &[])).await), "invalid add: names more than 10000 users");

        // What the whole tenant's administrator adds from elsewhere is not for east to see.
        change(&tree.admin, members(&[w], &[])).await.unwrap();
        let seen = async |caller, limit| {
            let (mut seen, mut from) = (Vec::new(), ListFrom { after: None, limit });
            loop {
                let list = service.user_set_members(caller, kind, id, &from).await.unwrap();
                seen.extend(list.items.into_iter().map(|user| user.account));
                let Some(next) = list.next else { break seen };
                from.after = Some(next);
            }
        };
        assert_eq!(seen(&tree.east, 1).await, ["a", "b"]);
        assert_eq!(seen(&tree.admin, 2).await, ["a", "b", "w"]);
    }
}

#[tokio::test]
async fn who_changes_the_members_of_one_set_takes_turns() {
    let tree = Tree::new().await;
    let service = tree.service();
    let [a, b] = [tree.add_user("a", "east").await.id.0, tree.add_user("b", "east").await.id.0];
    for kind in KINDS {
        let id = service.add_user_set(&tree.admin, kind, &set("s", None)).await.unwrap().id;
        let (sets, members_table, column) = match kind {
            UserSetKind::Group => ("user_groups", "user_group_members", "group_id"),
            UserSetKind::Label => ("labels", "label_members", "label_id"),
        };
        // As an import does it whose rows come in the other order.
        let (mut client, observer) = (tree.world.client().await, tree.world.client().await);
        let tx = client.transaction().await.unwrap();
        tx.execute(&format!("SELECT FROM {sets} WHERE id = {id} FOR NO KEY UPDATE"), &[]).await.unwrap();
        let add = format!("INSERT INTO {members_table} ({column}, user_id) VALUES ({id}, $1)");
        tx.execute(&add, &[&b]).await.unwrap();
        let change = members(&[a, b], &[]);
        let changed = service.change_members(&tree.admin, kind, id, &change);
        let first = async {
            let waiting =
                "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
            wait_until(Duration::from_secs(20), "the change to wait", async || {
                observer.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 1
            })
            .await;
            tx.execute(&add, &[&a]).await.unwrap();
            tx.commit().await.unwrap();
        };
        let (changed, ()) = tokio::join!(changed, first);
        assert_eq!(changed.unwrap(), MembersChanged { added: 0, removed: 0 });
    }
}

/// Two changes that have the same devices reviewed crosswise wait for each other until the database ends one.
#[tokio::test]
async fn a_change_that_another_gets_in_the_way_of_begins_again() {
    let tree = Tree::new().await;
    let service = tree.service();
    let (mut client, observer) = (tree.world.client().await, tree.world.client().await);
    for account in ["a", "b"] {
        let user = tree.add_user(account, "east").await.id.0;
        tree.enrol(account, "east").await;
        client.execute("UPDATE devices SET user_id = $2 WHERE uuid = $1", &[&account, &user]).await.unwrap();
    }
    let user = async |account: &str| {
        let sql = "SELECT user_id FROM devices WHERE uuid = $1";
        observer.query_one(sql, &[&account]).await.unwrap().get::<_, i64>(0)
    };
    let (a, b) = (user("a").await, user("b").await);
    let id = service.add_user_set(&tree.admin, UserSetKind::Group, &set("g", Some("east"))).await.unwrap().id;
    service.change_members(&tree.admin, UserSetKind::Group, id, &members(&[a], &[])).await.unwrap();
    let tx = client.transaction().await.unwrap();
    tx.batch_execute("SET LOCAL deadlock_timeout = '1min'").await.unwrap();
    let lock = "SELECT FROM device_reviews r JOIN devices d ON d.id = r.device_id WHERE d.uuid = $1 FOR UPDATE OF r";
    assert_eq!(tx.execute(lock, &[&"a"]).await.unwrap(), 1);
    let change = members(&[b], &[a]);
    let changed = service.change_members(&tree.admin, UserSetKind::Group, id, &change);
    let other = async {
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        wait_until(Duration::from_secs(20), "the change to wait", async || {
            observer.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 1
        })
        .await;
        tx.execute(lock, &[&"b"]).await.unwrap();
        tx.commit().await.unwrap();
    };
    let (changed, ()) = tokio::join!(changed, other);
    assert_eq!(changed.unwrap(), MembersChanged { added: 1, removed: 1 });
}
