use drover_domain::Protocol;
use drover_service::{
    CredentialKind, DeviceChange, DeviceLogin, ListFrom, ManagedDeviceFilter, NewDevice, NewManagedDevice,
};

use crate::{
    support,
    tree::{Tree, all, device, refused},
};

async fn uuids(tree: &Tree, caller: &drover_service::Operator, filter: ManagedDeviceFilter) -> Vec<String> {
    let list = tree.service().managed_devices(caller, &filter, &all()).await.unwrap();
    list.items.into_iter().map(|device| device.values.uuid).collect()
}

#[tokio::test]
async fn an_administrator_of_a_part_sees_and_changes_that_part() {
    let tree = Tree::new().await;
    let service = tree.service();
    tree.add_user("ann", "east-1").await;
    tree.add_user("wes", "west").await;
    tree.enrol("inner", "east-1").await;
    tree.enrol("outer", "west").await;
    let own = NewManagedDevice { user: Some("ann".into()), ..device("own") };
    let own = service.enrol_device(&tree.east, &own).await.unwrap();
    assert_eq!((own.organisation_code.as_str(), own.user_account.as_deref()), ("east", Some("ann")));
    assert_eq!((own.status.as_str(), own.has_token, own.product_name), ("registered", false, None));
    // Firmware-only devices belong to no organisation.
    tree.world.enrol(1).await;

    let list = async |caller| uuids(&tree, caller, ManagedDeviceFilter::default()).await;
    assert_eq!(list(&tree.admin).await, ["own", "inner", "outer"]);
    assert_eq!(list(&tree.reader).await, ["own", "inner"]);
    assert_eq!(list(&tree.stranger).await, [""; 0]);

    let change = DeviceChange { name: Some("changed".into()), ..DeviceChange::default() };
    for (caller, uuid) in [
        (&tree.east, "outer"),
        (&tree.stranger, "own"),
        (&tree.admin, "sim-0001"),
        (&tree.admin, "nobody"),
        (&tree.admin, "\0"),
    ] {
        let unknown = format!("no device {uuid}");
        assert_eq!(refused(service.managed_device(caller, uuid).await), unknown);
        assert_eq!(refused(service.change_device(caller, uuid, &change).await), unknown);
        assert_eq!(refused(service.deregister_device(caller, uuid).await), unknown);
        assert_eq!(refused(service.issue_device_token(caller, uuid).await), unknown);
        assert_eq!(refused(service.revoke_device_token(caller, uuid).await), unknown);
    }
    for (what, reason) in [
        (
            NewManagedDevice { organisation: Some("west".into()), ..device("x") },
            "organisation: there is no organisation of this code",
        ),
        (NewManagedDevice { user: Some("wes".into()), ..device("x") }, "user: there is no user of this account"),
        (
            NewManagedDevice { product: Some("nothing".into()), ..device("x") },
            "product: there is no product of this name",
        ),
        (NewManagedDevice { os: Some(51204), ..device("x") }, "os: is 51201, 51202, 51203 or 51205"),
        (NewManagedDevice { device_type: Some(12), ..device("x") }, "deviceType: is 10, 11, 20, 21, 22 or 23"),
        (NewManagedDevice { relationship: Some(0), ..device("x") }, "relationship: is 1, 2 or 3"),
        (NewManagedDevice { channel: "pigeon".into(), ..device("x") }, "channel: is mqtt, poll or simulated"),
        (NewManagedDevice { name: "x".repeat(129), ..device("x") }, "name: is longer than 128 characters"),
        (device("a b"), "uuid: a device uuid is 1 to 64 letters, digits, '-' or '_'"),
    ] {
        assert_eq!(refused(service.enrol_device(&tree.east, &what).await), format!("invalid {reason}"));
    }
    let wes = DeviceChange { user: Some(Some("wes".into())), ..DeviceChange::default() };
    assert_eq!(
        refused(service.change_device(&tree.east, "own", &wes).await),
        "invalid user: there is no user of this account"
    );
    for attempt in [
        refused(service.enrol_device(&tree.reader, &device("x")).await),
        refused(service.change_device(&tree.reader, "own", &change).await),
        refused(service.deregister_device(&tree.reader, "own").await),
        refused(service.issue_device_token(&tree.reader, "own").await),
        refused(service.revoke_device_token(&tree.reader, "own").await),
    ] {
        assert_eq!(attempt, "forbidden");
    }
    assert_eq!(tree.count("devices").await, 4);
}

#[tokio::test]
async fn a_uuid_is_somebodys() {
    let tree = Tree::new().await;
    let service = tree.service();
    tree.enrol("d1", "west").await;
    tree.world.enrol(1).await;
    let taken = |uuid| format!("conflict uuid: there is a device {uuid} already");
    for caller in [&tree.admin, &tree.east, &tree.stranger] {
        assert_eq!(refused(service.enrol_device(caller, &device("d1")).await), taken("d1"));
    }
    // A device that was enrolled for its firmware alone is taken in by those alone who administer the whole tenant.
    for caller in [&tree.east, &tree.stranger] {
        assert_eq!(refused(service.enrol_device(caller, &device("sim-0001")).await), taken("sim-0001"));
    }
    let wanted = NewManagedDevice { organisation: Some("east".into()), ..device("sim-0001") };
    let adopted = service.enrol_device(&tree.admin, &wanted).await.unwrap();
    assert_eq!((adopted.organisation_code.as_str(), adopted.product_name.as_deref()), ("east", Some("meter")));
}

#[tokio::test]
async fn a_product_is_given_once() {
    let tree = Tree::new().await;
    let service = tree.service();
    service.add_product("acme", "gate", Protocol::Mqtt).await.unwrap();
    service.add_product("other", "foreign", Protocol::Mqtt).await.unwrap();
    tree.enrol("d1", "east").await;
    let product = |name: &str| DeviceChange { product: Some(name.into()), ..DeviceChange::default() };
    let none = "invalid product: there is no product of this name";
    assert_eq!(refused(service.change_device(&tree.admin, "d1", &product("foreign")).await), none);
    let given = service.change_device(&tree.east, "d1", &product("gate")).await.unwrap();
    assert_eq!(given.product_name.as_deref(), Some("gate"));
    service.change_device(&tree.east, "d1", &product("gate")).await.unwrap();
    let kept = "conflict product: a device keeps the product that it has";
    assert_eq!(refused(service.change_device(&tree.east, "d1", &product("meter")).await), kept);

    // A list of a product's devices takes in a managed device that has none, and leaves those of other products and tenants.
    tree.enrol("d2", "east").await;
    service.enrol_device(&tree.stranger, &device("d3")).await.unwrap();
    let devices: Vec<NewDevice> = ["d1", "d2", "d3"].map(support::device).into();
    let refused = service.enrol_what_fits(&tree.world.product, &devices).await.unwrap();
    assert_eq!(refused, ["d1", "d3"]);
    let d2 = service.managed_device(&tree.east, "d2").await.unwrap();
    assert_eq!((d2.product_name.as_deref(), d2.organisation_code.as_str()), (Some("meter"), "east"));
}

#[tokio::test]
async fn a_change_keeps_what_it_does_not_say_and_takes_away_what_may_go() {
    let tree = Tree::new().await;
    let service = tree.service();
    tree.add_user("ann", "east").await;
    let new = NewManagedDevice { user: Some("ann".into()), device_number: Some("7".into()), ..device("d1") };
    let before = service.enrol_device(&tree.admin, &new).await.unwrap();
    let same = service.change_device(&tree.admin, "d1", &DeviceChange::default()).await.unwrap();
    assert_eq!(same, before);
    let change = DeviceChange {
        organisation: Some("west".into()),
        user: Some(None),
        os: Some(None),
        device_type: Some(Some(11)),
        relationship: Some(None),
        device_number: Some(None),
        sn: Some("s".into()),
        ..DeviceChange::default()
    };
    let changed = service.change_device(&tree.admin, "d1", &change).await.unwrap();
    assert_eq!((changed.organisation_code.as_str(), &changed.user_account), ("west", &None));
    let values = changed.values;
    assert_eq!(
        (values.os, values.device_type, values.relationship, values.device_number),
        (None, Some(11), None, None)
    );
    assert_eq!((values.sn.as_str(), values.name.as_str()), ("s", "name of d1"));
}

#[tokio::test]
async fn a_token_lasts_until_it_is_taken_back_or_the_device_goes() {
    let tree = Tree::new().await;
    let service = tree.service();
    tree.enrol("d1", "east").await;
    assert_eq!(refused(service.revoke_device_token(&tree.east, "d1").await), "no credential of device d1");
    let first = service.issue_device_token(&tree.east, "d1").await.unwrap();
    assert!(service.managed_device(&tree.east, "d1").await.unwrap().has_token);
    let login = async |token: &drover_service::IssuedCredential| {
        service.authenticate_device("d1", token.secret.expose()).await.unwrap()
    };
    assert!(matches!(login(&first).await, DeviceLogin::Accepted(_)));
    let has = "conflict the device has a token: take it back before you issue another";
    assert_eq!(refused(service.issue_device_token(&tree.east, "d1").await), has);
    service.revoke_device_token(&tree.east, "d1").await.unwrap();
    service.revoke_device_token(&tree.east, "d1").await.unwrap();
    assert!(!service.managed_device(&tree.east, "d1").await.unwrap().has_token);
    let second = service.issue_device_token(&tree.east, "d1").await.unwrap();
    assert_ne!(first.secret.expose(), second.secret.expose());

    service.deregister_device(&tree.east, "d1").await.unwrap();
    service.deregister_device(&tree.east, "d1").await.unwrap();
    let gone = service.managed_device(&tree.east, "d1").await.unwrap();
    assert_eq!((gone.status.as_str(), gone.has_token), ("deregistered", false));
    assert_eq!(refused(service.issue_device_token(&tree.east, "d1").await), "conflict the device is deregistered");
    assert_eq!(tree.count("credentials WHERE cut_off_due_at IS NOT NULL").await, 1, "its connections are to end");
    let again = service.add_credential("acme", CredentialKind::Device, Some("d1")).await;
    assert!(again.is_ok(), "the command line's own business");

    let back = service.enrol_device(&tree.east, &device("d1")).await.unwrap();
    assert_eq!(back.status, "registered");
}

#[tokio::test]
async fn a_search_by_name_looks_at_so_many_devices_and_goes_on() {
    let tree = Tree::new().await;
    tree.add_user("ann", "east").await;
    let sql = "INSERT INTO devices (tenant_id, organisation_id, uuid, name, user_id)
        SELECT o.tenant_id, o.id, o.code || '-' || n, CASE WHEN n % 4000 = 0 THEN 'wanted' ELSE 'other' END || n, u.id
        FROM organisations o CROSS JOIN generate_series(1, 8000) n LEFT JOIN users u ON n % 100 = 0
        WHERE o.tenant_id = $1 AND o.parent_id IS NOT NULL";
    tree.world.client().await.execute(sql, &[&tree.world.caller.tenant.0]).await.unwrap();
    let all = async |filter: &ManagedDeviceFilter, limit| {
        let (mut found, mut pages, mut from) = (Vec::new(), 0, ListFrom { after: None, limit });
        loop {
            let list = tree.service().managed_devices(&tree.admin, filter, &from).await.unwrap();
            assert!(list.items.len() <= limit as usize);
            pages += 1;
            found.extend(list.items.into_iter().map(|device| device.values.uuid));
            let Some(next) = list.next else { break (found, pages) };
            from.after = Some(next);
        }
    };
    let wanted = ManagedDeviceFilter { name_prefix: Some("want".into()), ..ManagedDeviceFilter::default() };
    let expected = ["east-4000", "east-8000", "east-1-4000", "east-1-8000", "west-4000", "west-8000"];
    let (mut found, pages) = all(&wanted, 100).await;
    let (mut sorted, _) = all(&wanted, 1).await;
    assert_eq!(pages, 3, "24,000 devices, 10,000 a page");
    assert_eq!(found, sorted);
    sorted.clear();
    found.sort_unstable();
    let mut expected = expected.map(str::to_owned);
    expected.sort_unstable();
    assert_eq!(found, expected);
    let narrowed = ManagedDeviceFilter { organisation: Some("east".into()), ..wanted.clone() };
    assert_eq!(all(&narrowed, 100).await.0.len(), 4);
    let everything = all(&ManagedDeviceFilter::default(), 1000).await.0;
    let each: std::collections::HashSet<&String> = everything.iter().collect();
    assert_eq!((everything.len(), each.len()), (24_000, 24_000));
    let of_ann = ManagedDeviceFilter { user: Some("ann".into()), ..ManagedDeviceFilter::default() };
    assert_eq!(all(&of_ann, 7).await.0.len(), 240);
    let one = ManagedDeviceFilter { uuid: Some("west-5".into()), ..ManagedDeviceFilter::default() };
    assert_eq!(all(&one, 1).await.0, ["west-5"]);
    let both = ManagedDeviceFilter { user: Some("ann".into()), ..one };
    let refusal = refused(tree.service().managed_devices(&tree.admin, &both, &crate::tree::all()).await);
    assert_eq!(refusal, "invalid filter: only one of user, namePrefix and uuid may be given");
}
