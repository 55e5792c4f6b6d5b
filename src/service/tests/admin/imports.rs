use std::{io::Cursor, time::Duration};

use drover_service::{
    Fault, ImportKind, Imported, MemberChange, NewUserSet, Operator, ServiceError, UserFilter, UserSetKind,
};
use drover_testkit::wait_until;
use futures_util::stream;

use crate::tree::{Tree, all, refused};

async fn import(tree: &Tree, caller: &Operator, kind: ImportKind, file: &str) -> Imported {
    tree.service().import(caller, kind, Cursor::new(file.to_owned())).await.unwrap()
}

/// The faults of a file, each as `line column: reason`.
async fn faults(tree: &Tree, caller: &Operator, kind: ImportKind, file: &str) -> Vec<String> {
    match import(tree, caller, kind, file).await {
        Imported::Refused(faults) => {
            faults.iter().map(|Fault { line, column, reason }| format!("{line} {column}: {reason}")).collect()
        }
        all @ Imported::All { .. } => panic!("{all:?}"),
    }
}

const fn came(added: u64, changed: u64) -> Imported {
    Imported::All { added, changed }
}

#[tokio::test]
async fn a_tree_comes_from_a_file_and_changes_by_another() {
    let tree = Tree::new().await;
    let kind = ImportKind::Organisations;
    let file = "\u{feff}code,name,parent\na,A,\nb,\"B, the second\",a\nc,C,b\nc,C again,b\neast,East,\n";
    assert_eq!(import(&tree, &tree.admin, kind, file).await, came(3, 2));
    let list = async |code: &str| {
        let top = tree.service().organisation_by_code(&tree.admin, code).await.unwrap();
        let found = tree.service().organisations(&tree.admin, Some(top.id), None, 100).await.unwrap();
        found.into_iter().map(|one| format!("{} {}", one.code, one.name)).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(list("a").await, "a A, b B, the second, c C again");
    assert_eq!(import(&tree, &tree.admin, kind, "code,parent\nb,west\nc,b\nd2,west\n").await, refused_name(3 + 1));
    assert_eq!(import(&tree, &tree.admin, kind, "parent,code\nwest,b\nb,c\n").await, came(0, 2));
    assert_eq!(list("a").await, "a A");
    assert_eq!(list("west").await, "west west, b B, the second, c C again");

    for (caller, file, fault) in [
        (&tree.admin, "code,name,parent\nb,B,c\n", "2 parent: is the organisation itself or stands below it"),
        (&tree.admin, "code,name,parent\nx,X,nowhere\n", "2 parent: there is no organisation nowhere"),
        (&tree.admin, "code,name\n,X\n", "2 code: is 1 to 64 characters, none at its ends a space"),
        (&tree.admin, "code,name\nx,\n", "2 name: must not be empty"),
        (&tree.east, "code,name\nwest,mine\n", "2 code: is taken by an organisation outside of yours"),
        (&tree.east, "code,name,parent\nx,X,west\n", "2 parent: there is no organisation west"),
        (&tree.east, "code,name,parent\neast,E,root\n", "2 parent: there is no organisation root"),
    ] {
        assert_eq!(faults(&tree, caller, kind, file).await, [fault], "{file}");
    }
    let deep: Vec<String> = (1..=32)
        .map(|n| {
            format!(
                "t{n},T,{}
",
                if n == 1 { "root".into() } else { format!("t{}", n - 1) }
            )
        })
        .collect();
    let deep = deep.concat();
    let fault = faults(&tree, &tree.admin, kind, &format!("code,name,parent\n{deep}")).await;
    assert_eq!(fault, ["33 parent: a tree has at most 32 levels"]);
    assert_eq!(tree.count("organisations WHERE code LIKE 't%'").await, 0);
    assert_eq!(import(&tree, &tree.east, kind, "code,name\nmine,M\n").await, came(1, 0));
    assert_eq!(list("east").await, "east East, east-1 east-1, mine M");
}

fn refused_name(line: u64) -> Imported {
    let reason = "is needed for a new organisation".to_owned();
    Imported::Refused(vec![Fault { line, column: "name".into(), reason }])
}

#[tokio::test]
async fn users_come_and_a_column_that_is_not_there_stays_as_it_is() {
    let tree = Tree::new().await;
    let kind = ImportKind::Users;
    let file = "account,name,mail,phone,organisation\r\nann, Ann ,a@x,1,east\r\nbob,Bob,b@x,2,\r\n";
    assert_eq!(import(&tree, &tree.admin, kind, file).await, came(2, 0));
    let second = "mail,account,organisation\n,ann,\nb@y,bob,west\nc@y,cy,east-1\nd@y,cy,\n";
    assert_eq!(import(&tree, &tree.admin, kind, second).await, came(1, 3));
    let users = tree.service().users(&tree.admin, &UserFilter::default(), &all()).await.unwrap().items;
    let said = |account: &str| {
        let user = users.iter().find(|user| user.account == account).unwrap();
        format!("{} {} {} {}", user.name, user.mail, user.phone, user.organisation_code)
    };
    assert_eq!(said("ann"), "Ann  1 east");
    assert_eq!(said("bob"), "Bob b@y 2 west");
    assert_eq!(said("cy"), " d@y  root", "of a new one what is said last counts");

    let outside = "2 account: is the account of a user outside of your organisation";
    assert_eq!(faults(&tree, &tree.east, kind, "account\nbob\n").await, [outside]);
    let unknown = "3 organisation: there is no organisation west";
    assert_eq!(faults(&tree, &tree.east, kind, "account,organisation\nx,east\ny,west\n").await, [unknown]);
    assert_eq!(import(&tree, &tree.stranger, kind, "account\nbob\n").await, came(1, 0));
    let file = Cursor::new("account\nx\n");
    assert_eq!(refused(tree.service().import(&tree.reader, kind, file).await), "forbidden");
}

#[tokio::test]
async fn devices_come_and_each_fault_is_told_with_its_place() {
    let tree = Tree::new().await;
    let kind = ImportKind::Devices;
    tree.add_user("ann", "east").await;
    tree.add_user("wes", "west").await;
    let file = "uuid,name,organisation,user,product,os,deviceType,relationship,deviceNumber,imei,sn,channel\n\
                d1,One,east,ann,meter,51201,10,1,n1,i1,s1,poll\n\
                d2,Two,west,,,,,,,,,\n";
    assert_eq!(import(&tree, &tree.admin, kind, file).await, came(2, 0));
    let d1 = tree.service().managed_device(&tree.admin, "d1").await.unwrap();
    let values = &d1.values;
    assert_eq!((d1.organisation_code.as_str(), d1.user_account.as_deref()), ("east", Some("ann")));
    assert_eq!((values.os, values.device_type, values.relationship), (Some(51201), Some(10), Some(1)));
    assert_eq!((values.device_number.as_deref(), d1.product_name.as_deref()), (Some("n1"), Some("meter")));
    assert_eq!((values.imei.as_str(), values.sn.as_str(), values.channel.as_str()), ("i1", "s1", "poll"));
    let d2 = tree.service().managed_device(&tree.admin, "d2").await.unwrap();
    assert_eq!((d2.values.channel.as_str(), d2.values.os, d2.product_name), ("mqtt", None, None));

    let second = "uuid,user,channel,organisation\nd1,,,\nd2,ann,simulated,east\nd3,,,\n";
    assert_eq!(import(&tree, &tree.admin, kind, second).await, came(1, 2));
    let changed = tree.service().managed_device(&tree.admin, "d1").await.unwrap();
    assert_eq!((changed.user_account, changed.values.channel.as_str()), (None, "poll"));
    assert_eq!((changed.values.name.as_str(), changed.organisation_code.as_str()), ("One", "east"));
    let changed = tree.service().managed_device(&tree.admin, "d2").await.unwrap();
    assert_eq!((changed.user_account.as_deref(), changed.organisation_code.as_str()), (Some("ann"), "east"));

    let file = "uuid,os,user,organisation,product,name\n\
                d4,x,,,,\n\
                d 5,,,,,\n\
                d6,1,wes,,,\n\
                d7,,,west,,\n\
                d8,,,,none,\n\
                d9,,\n\
                d10,,,,,\"\0\"\n";
    let mut found = faults(&tree, &tree.east, kind, file).await;
    found.sort_unstable();
    let mut expected = [
        "2 os: is not a number, or not one of those there are",
        "3 uuid: a device uuid is 1 to 64 letters, digits, '-' or '_'",
        "4 user: there is no user wes",
        "4 os: is 51201, 51202, 51203 or 51205",
        "5 organisation: there is no organisation west",
        "6 product: there is no product none",
        "7 : has 3 values instead of 6",
        "8 name: holds a NUL character",
    ];
    expected.sort_unstable();
    assert_eq!(found, expected);

    let outside = "is a device outside of your organisation, or one that has another product";
    tree.enrol("w1", "west").await;
    tree.world.enrol(1).await;
    for uuid in ["w1", "sim-0001"] {
        let found = faults(&tree, &tree.east, kind, &format!("uuid\nnew\n{uuid}\n")).await;
        assert_eq!(found, [format!("3 uuid: {outside}")]);
    }
    assert_eq!(tree.count("devices WHERE uuid = 'new'").await, 0, "all or none");
    assert_eq!(import(&tree, &tree.admin, kind, "uuid\nsim-0001\n").await, came(0, 1));
    tree.service().deregister_device(&tree.admin, "w1").await.unwrap();
    assert_eq!(import(&tree, &tree.admin, kind, "uuid\nw1\n").await, came(0, 1));
    assert_eq!(tree.service().managed_device(&tree.admin, "w1").await.unwrap().status, "registered");
}

/// The files of sets, and what comes of each.
const SETS: [(ImportKind, UserSetKind); 2] =
    [(ImportKind::Groups, UserSetKind::Group), (ImportKind::Labels, UserSetKind::Label)];

/// The sets within a caller's reach, each as `name, description, organisation: members`.
async fn sets(tree: &Tree, caller: &Operator, kind: UserSetKind) -> Vec<String> {
    let mut said = Vec::new();
    for set in tree.service().user_sets(caller, kind, None, &all()).await.unwrap().items {
        let members = tree.service().user_set_members(caller, kind, set.id, &all()).await.unwrap().items;
        let members: Vec<String> = members.into_iter().map(|user| user.account).collect();
        said.push(format!("{}, {}, {}: {}", set.name, set.description, set.organisation_code, members.join(" ")));
    }
    said.sort_unstable();
    said
}

#[tokio::test]
async fn sets_come_with_their_members_and_nothing_is_taken_away() {
    let tree = Tree::new().await;
    for (account, organisation) in [("ann", "east"), ("bob", "east-1"), ("wes", "west")] {
        tree.add_user(account, organisation).await;
    }
    for (kind, sets_kind) in SETS {
        let file = "name,description,organisation,member\n\
                    crew,First,east,ann\ncrew,,,bob\ncrew,Last,,\ncrew,,,ann\n\
                    empty,,,\nall,\"Everybody, here\",west,wes\n";
        assert_eq!(import(&tree, &tree.admin, kind, file).await, came(4, 2), "a set, a second member, two more sets");
        let crew = "crew, Last, east: ann bob";
        let expected = ["all, Everybody, here, west: wes", crew, "empty, , root: "];
        assert_eq!(sets(&tree, &tree.admin, sets_kind).await, expected);
        let versions = async || -> String {
            // A row that is written again stands elsewhere.
            let sql = format!("SELECT string_agg(ctid::text || updated_at, ' ' ORDER BY id) FROM {}", table(sets_kind));
            tree.world.client().await.query_one(&sql, &[]).await.unwrap().get(0)
        };
        let before = versions().await;
        assert_eq!(import(&tree, &tree.admin, kind, file.replace("First", "Last").as_str()).await, came(0, 6));
        assert_eq!(sets(&tree, &tree.admin, sets_kind).await, expected);
        assert_eq!(versions().await, before, "what is as the file says is not written again");

        // Empty and absent say nothing; what is there moves when it is told to, members that are not named stay.
        let file = "organisation,member,name,description\n,wes,empty,\nwest,,empty,Now full\n";
        assert_eq!(import(&tree, &tree.admin, kind, file).await, came(1, 1));
        assert_eq!(import(&tree, &tree.admin, kind, "member,name\n,crew\nwes,all\nann,all\n").await, came(1, 2));
        let expected = ["all, Everybody, here, west: ann wes", crew, "empty, Now full, west: wes"];
        assert_eq!(sets(&tree, &tree.admin, sets_kind).await, expected);
        // East neither sees nor takes over what is elsewhere; what it makes is its own.
        assert_eq!(import(&tree, &tree.east, kind, "name,member\nown,bob\ncrew,bob\n").await, came(1, 1));
        assert_eq!(sets(&tree, &tree.east, sets_kind).await, [crew, "own, , east: bob"]);
        assert_eq!(import(&tree, &tree.stranger, kind, "name\ncrew\n").await, came(1, 0));
        assert_eq!(sets(&tree, &tree.stranger, sets_kind).await, ["crew, , root: "]);
    }
}

const fn table(kind: UserSetKind) -> &'static str {
    match kind {
        UserSetKind::Group => "user_groups",
        UserSetKind::Label => "labels",
    }
}

#[tokio::test]
async fn sets_and_members_out_of_reach_are_faults_and_nothing_comes() {
    let tree = Tree::new().await;
    for (account, organisation) in [("ann", "east"), ("wes", "west")] {
        tree.add_user(account, organisation).await;
    }
    for (kind, sets_kind) in SETS {
        let west = NewUserSet { name: "theirs".into(), description: "d".into(), organisation: Some("west".into()) };
        let id = tree.service().add_user_set(&tree.admin, sets_kind, &west).await.unwrap().id;
        let wes = tree.service().users(&tree.admin, &UserFilter::default(), &all()).await.unwrap().items;
        let wes = wes.iter().find(|user| user.account == "wes").unwrap().id.0;
        let change = MemberChange { add: vec![wes], remove: vec![] };
        tree.service().change_members(&tree.admin, sets_kind, id, &change).await.unwrap();

        let long = "x".repeat(129);
        let file = format!(
            "name,description,organisation,member\n\
             new,,,ann\nnew,,,nobody\nnew,,west,\nnew,,nowhere,\nnew,,,wes\n,,,ann\n{long},,,\nnew,{long},,\n"
        );
        let mut found = faults(&tree, &tree.east, kind, &file).await;
        found.sort_unstable();
        let expected = [
            "3 member: there is no user nobody",
            "4 organisation: there is no organisation west",
            "5 organisation: there is no organisation nowhere",
            "6 member: there is no user wes",
            "7 name: must not be empty",
            "8 name: is longer than 128 characters",
            "9 description: is longer than 128 characters",
        ];
        assert_eq!(found, expected);
        let outside = format!("name: is the name of a {} outside of your organisation", sets_kind.word());
        let file = "name,description,organisation,member\nnew,,,ann\ntheirs,mine,east,ann\ntheirs,,,\n";
        assert_eq!(faults(&tree, &tree.east, kind, file).await, [format!("3 {outside}"), format!("4 {outside}")]);
        // Of a file of many batches nothing stays when its last line is wrong.
        let many = (0..2500).fold(String::new(), |file, n| file + &format!("new-{n},ann\n"));
        let found = faults(&tree, &tree.east, kind, &format!("name,member\n{many}x,nobody\n")).await;
        assert_eq!(found, ["2502 member: there is no user nobody"]);
        assert_eq!(sets(&tree, &tree.admin, sets_kind).await, ["theirs, d, west: wes"], "all or none");
        assert_eq!(faults(&tree, &tree.admin, kind, "member\nann\n").await, ["1 name: is missing from the first line"]);
        let file = Cursor::new("name\nx\n");
        assert_eq!(refused(tree.service().import(&tree.reader, kind, file).await), "forbidden");
    }
}

#[tokio::test]
async fn a_file_that_is_none_is_refused_where_it_goes_wrong() {
    let tree = Tree::new().await;
    let kind = ImportKind::Users;
    for (file, fault) in [
        ("", "1 account: is missing from the first line"),
        ("name\nx\n", "1 account: is missing from the first line"),
        (
            "account,colour\nx,red\n",
            "1 colour: is no column of this file: there are account, name, mail, phone, organisation",
        ),
        ("account,account\nx,y\n", "1 account: comes twice"),
        ("account,name\nx\n", "2 : has 1 values instead of 2"),
    ] {
        assert_eq!(faults(&tree, &tree.admin, kind, file).await, [fault], "{file}");
    }
    let bytes: Vec<u8> = b"account\nok\n\xff\xfe\nok2\n".to_vec();
    let imported = tree.service().import(&tree.admin, kind, Cursor::new(bytes)).await.unwrap();
    let reason = "is not UTF-8".to_owned();
    assert_eq!(imported, Imported::Refused(vec![Fault { line: 3, column: String::new(), reason }]));
    let endless = format!("account\nok\n\"{}", "x".repeat(200_000));
    let found = faults(&tree, &tree.admin, kind, &endless).await;
    assert_eq!(found, ["3 : is longer than 65536 bytes; perhaps a quote is not closed"]);
    let many: String = (0..5000).map(|_| "\n \0").collect();
    assert_eq!(faults(&tree, &tree.admin, kind, &format!("account{many}")).await.len(), 20, "the first faults");
    assert_eq!(import(&tree, &tree.admin, kind, "account\n").await, came(0, 0));
    assert_eq!(tree.count("users").await, 0);
}

#[tokio::test]
async fn an_upload_leaves_nothing_behind() {
    let tree = Tree::new().await;
    let kind = ImportKind::Users;
    let upload = async |max, chunks: Vec<Result<&'static str, &'static str>>| {
        let chunks = chunks.into_iter().map(|chunk| chunk.map(Into::into).map_err(Into::into));
        tree.service().import_upload(&tree.admin, kind, max, stream::iter(chunks.collect::<Vec<_>>())).await
    };
    assert_eq!(upload(100, vec![Ok("acc"), Ok("ount\na\n"), Ok("b\n")]).await.unwrap(), came(2, 0));
    assert!(matches!(upload(100, vec![Ok("x\n")]).await.unwrap(), Imported::Refused(_)));
    assert_eq!(refused(upload(5, vec![Ok("account\n")]).await), "too large file");
    assert!(matches!(upload(100, vec![Ok("account\nc\n"), Err("cut")]).await, Err(ServiceError::Aborted(_))));
    assert_eq!(tree.count("users").await, 2);
    let folder = format!("imports/{}", tree.admin.tenant);
    assert_eq!((tree.world.files_in("imports"), tree.world.files_in(&folder)), (1, 0), "an owner's folder, and empty");
}

#[tokio::test]
async fn imports_that_wait_for_each_other_leave_connections_to_others() {
    const IMPORTS: usize = 12;
    let tree = Tree::new().await;
    let mut holder = tree.world.client().await;
    let held = holder.transaction().await.unwrap();
    held.execute("SELECT FROM tenants FOR NO KEY UPDATE", &[]).await.unwrap();
    let imports: Vec<_> = (0..IMPORTS)
        .map(|n| {
            let (service, caller) = (tree.service().clone(), tree.admin.clone());
            let file = stream::iter([Ok(format!("account\nuser-{n}\n").into())]);
            tokio::spawn(async move { service.import_upload(&caller, ImportKind::Users, 100, file).await })
        })
        .collect();
    let folder = format!("imports/{}", tree.admin.tenant);
    let limit = Duration::from_secs(20);
    wait_until(limit, "the files to be kept", async || tree.world.files_in(&folder) == IMPORTS).await;
    let waiting = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    wait_until(limit, "imports to wait for their tenant", async || tree.count(waiting).await >= 2).await;
    assert!(tree.service().users(&tree.admin, &UserFilter::default(), &all()).await.is_ok());
    assert_eq!(tree.count(waiting).await, 2, "the others wait without a connection");
    held.commit().await.unwrap();
    for import in imports {
        assert_eq!(import.await.unwrap().unwrap(), came(1, 0));
    }
    assert_eq!(tree.world.files_in(&folder), 0);
}
