//! The tree of organisations: it stays a tree whatever happens at once, and nobody sees beyond the own part of it.
#![allow(clippy::unwrap_used)]

mod support;

use drover_domain::{OperatorId, OrganisationId, Role};
use drover_service::{NewOperator, Operator, Organisation, Secret, ServiceError};
use futures_util::future::join_all;
use support::World;

struct Tree {
    world: World,
    owner: Operator,
}

impl Tree {
    async fn new() -> Self {
        let world = World::new().await;
        let owner = world.service.owner_of("acme").await.unwrap();
        Self { world, owner }
    }

    /// Adds organisations; each name begins with that of the one above, as `a`, `ab`, `abc`.
    async fn grow(&self, codes: &[&str]) {
        for code in codes {
            let parent = &code[..code.len() - 1];
            let parent = if parent.is_empty() { None } else { Some(self.id(parent).await) };
            self.world.service.add_organisation(&self.owner, parent, code, code).await.unwrap();
        }
    }

    async fn of(&self, code: &str) -> Organisation {
        self.world.service.organisation_by_code(&self.owner, code).await.unwrap()
    }

    async fn id(&self, code: &str) -> OrganisationId {
        self.of(code).await.id
    }

    /// Somebody who administers one organisation.
    async fn admin_of(&self, code: &str) -> Operator {
        let organisation = self.of(code).await;
        Operator { id: OperatorId(1), role: Role::OrgAdmin, organisation, ..self.owner.clone() }
    }

    /// The codes that somebody sees, in their order.
    async fn seen_by(&self, operator: &Operator) -> Vec<String> {
        let seen = self.world.service.organisations(operator, None, None, 1000).await.unwrap();
        seen.into_iter().map(|organisation| organisation.code).collect()
    }

    /// Organisations whose path is not their parent's and their own id.
    async fn misplaced(&self) -> i64 {
        const SQL: &str = "SELECT count(*) FROM organisations o LEFT JOIN organisations p ON p.id = o.parent_id
            WHERE o.path <> COALESCE(p.path, '/') || o.id || '/'";
        self.world.client().await.query_one(SQL, &[]).await.unwrap().get(0)
    }
}

fn is_unknown<T>(result: &Result<T, ServiceError>) -> bool {
    matches!(result, Err(ServiceError::NotFound { .. }))
}

fn is_conflict<T>(result: &Result<T, ServiceError>) -> bool {
    matches!(result, Err(ServiceError::Conflict { .. }))
}

#[tokio::test]
async fn a_subtree_is_all_that_its_administrator_sees() {
    let tree = Tree::new().await;
    tree.grow(&["a", "ab", "abc", "d"]).await;
    assert_eq!(tree.seen_by(&tree.owner).await, ["root", "a", "ab", "abc", "d"]);
    let (service, ab) = (&tree.world.service, tree.admin_of("ab").await);
    assert_eq!(tree.seen_by(&ab).await, ["ab", "abc"]);
    let line = service.line_of_organisation(&ab, tree.id("abc").await).await.unwrap();
    assert_eq!(line.iter().map(|organisation| organisation.code.as_str()).collect::<Vec<_>>(), ["ab", "abc"]);
    for outside in ["root", "a", "d"] {
        let id = tree.id(outside).await;
        assert!(is_unknown(&service.organisation(&ab, id).await), "{outside}");
        assert!(is_unknown(&service.organisation_by_code(&ab, outside).await));
        assert!(is_unknown(&service.organisations(&ab, Some(id), None, 10).await));
        assert!(is_unknown(&service.add_organisation(&ab, Some(id), "new", "new").await));
        assert!(is_unknown(&service.rename_organisation(&ab, id, "new").await));
        assert!(is_unknown(&service.move_organisation(&ab, id, ab.organisation.id).await));
        assert!(is_unknown(&service.move_organisation(&ab, tree.id("abc").await, id).await));
        assert!(is_unknown(&service.delete_organisation(&ab, id).await));
    }
    let added = service.add_organisation(&ab, None, "abe", "新部门").await.unwrap();
    assert_eq!((added.parent, added.name.as_str()), (Some(ab.organisation.id), "新部门"));
}

#[tokio::test]
async fn another_tenants_organisations_are_unknown() {
    let tree = Tree::new().await;
    tree.grow(&["a"]).await;
    let service = &tree.world.service;
    service.add_tenant("other").await.unwrap();
    let stranger = service.owner_of("other").await.unwrap();
    assert_eq!(tree.seen_by(&stranger).await, ["root"]);
    let (a, root) = (tree.id("a").await, stranger.organisation.id);
    assert!(is_unknown(&service.organisation(&stranger, a).await));
    assert!(is_unknown(&service.move_organisation(&tree.owner, a, root).await), "not into another's tree");
    service.add_organisation(&stranger, None, "a", "the same code").await.unwrap();
}

#[tokio::test]
async fn a_subtree_moves_with_all_that_is_below_it() {
    let tree = Tree::new().await;
    tree.grow(&["a", "ab", "abc", "abcd", "e"]).await;
    let service = &tree.world.service;
    let before = tree.of("abcd").await;
    let moved = service.move_organisation(&tree.owner, tree.id("ab").await, tree.id("e").await).await.unwrap();
    assert_eq!(moved.parent, Some(tree.id("e").await));
    assert_eq!(tree.seen_by(&tree.admin_of("e").await).await, ["e", "ab", "abc", "abcd"]);
    assert_eq!(tree.seen_by(&tree.admin_of("a").await).await, ["a"]);
    assert_eq!((tree.of("abcd").await.parent, tree.misplaced().await), (before.parent, 0));
    for below in ["ab", "abc", "abcd"] {
        let circle = service.move_organisation(&tree.owner, tree.id("ab").await, tree.id(below).await).await;
        assert!(is_conflict(&circle), "{below}");
    }
    let root = tree.owner.organisation.id;
    assert!(is_conflict(&service.move_organisation(&tree.owner, root, tree.id("e").await).await));
}

#[tokio::test]
async fn a_change_of_name_and_place_is_one() {
    let tree = Tree::new().await;
    tree.grow(&["a", "ab", "e"]).await;
    let (ab, e) = (tree.id("ab").await, tree.id("e").await);
    let change =
        async |name, parent| tree.world.service.change_organisation(&tree.owner, ab, Some(name), Some(parent)).await;
    let before = tree.of("ab").await;
    assert!(is_conflict(&change("new", ab).await));
    assert!(is_unknown(&change("new", OrganisationId(999_999)).await));
    assert!(matches!(change(" ", e).await, Err(ServiceError::Invalid { field: "name", .. })));
    assert_eq!(tree.of("ab").await, before);
    let changed = change("new", e).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.parent), ("new", Some(e)));
    assert_eq!((tree.of("ab").await, tree.misplaced().await), (changed, 0));
}

#[tokio::test]
async fn moves_at_once_leave_a_tree() {
    let tree = Tree::new().await;
    tree.grow(&["a", "ab", "abc", "d", "de", "def"]).await;
    let service = &tree.world.service;
    let codes = ["a", "ab", "abc", "d", "de", "def"];
    let ids = join_all(codes.map(|code| tree.id(code))).await;
    // Each below each other one: at once some of them would make circles with others.
    let pairs = ids.iter().flat_map(|top| ids.iter().map(move |parent| (*top, *parent)));
    let moves = pairs.map(|(top, parent)| service.move_organisation(&tree.owner, top, parent));
    for moved in join_all(moves).await {
        assert!(moved.is_ok() || is_conflict(&moved), "{moved:?}");
    }
    assert_eq!(tree.misplaced().await, 0);
    assert_eq!(tree.seen_by(&tree.owner).await.len(), 7, "all still hang from the root");
}

#[tokio::test]
async fn codes_are_taken_once_and_a_tree_is_not_endless() {
    let tree = Tree::new().await;
    tree.grow(&["a"]).await;
    let service = &tree.world.service;
    assert!(is_conflict(&service.add_organisation(&tree.owner, None, "a", "again").await));
    for code in ["", " a", "a\n", &"x".repeat(65)] {
        let added = service.add_organisation(&tree.owner, None, code, "name").await;
        assert!(matches!(added, Err(ServiceError::Invalid { field: "code", .. })), "{code:?}");
    }
    let mut deepest = tree.id("a").await;
    for level in 3..=32 {
        let code = format!("level-{level}");
        deepest = service.add_organisation(&tree.owner, Some(deepest), &code, "level").await.unwrap().id;
    }
    assert!(is_conflict(&service.add_organisation(&tree.owner, Some(deepest), "too-deep", "x").await));
    tree.grow(&["b"]).await;
    let moved = service.move_organisation(&tree.owner, tree.id("a").await, tree.id("b").await).await;
    assert!(is_conflict(&moved), "its deepest would stand too deep");
}

#[tokio::test]
async fn only_what_nothing_belongs_to_is_deleted() {
    let tree = Tree::new().await;
    tree.grow(&["a", "ab"]).await;
    let service = &tree.world.service;
    let (a, ab) = (tree.id("a").await, tree.id("ab").await);
    let reason = |refused: Result<(), ServiceError>| refused.unwrap_err().to_string();
    assert_eq!(reason(service.delete_organisation(&tree.owner, a).await), "the organisation still has organisations");
    let new = NewOperator {
        login_id: "li".into(),
        name: "Li".into(),
        role: Role::OrgAdmin,
        organisation: Some(ab),
        password: Secret::new("correct horse battery"),
    };
    service.add_operator(&tree.owner, new).await.unwrap();
    assert_eq!(reason(service.delete_organisation(&tree.owner, ab).await), "the organisation still has operators");
    assert!(is_conflict(&service.delete_organisation(&tree.owner, tree.owner.organisation.id).await), "the root");
    tree.world.client().await.execute("DELETE FROM operators", &[]).await.unwrap();
    service.delete_organisation(&tree.owner, ab).await.unwrap();
    service.delete_organisation(&tree.owner, a).await.unwrap();
    assert_eq!(tree.seen_by(&tree.owner).await, ["root"]);
}

#[tokio::test]
async fn a_tenant_of_an_older_program_gets_its_root_when_it_is_needed() {
    let tree = Tree::new().await;
    tree.world.client().await.execute("INSERT INTO tenants (name) VALUES ('old')", &[]).await.unwrap();
    let service = &tree.world.service;
    let owners = join_all((0..4).map(|_| service.owner_of("old"))).await;
    let roots: Vec<Organisation> = owners.into_iter().map(|owner| owner.unwrap().organisation).collect();
    assert!(roots.iter().all(|root| *root == roots[0] && root.parent.is_none()), "{roots:?}");
    assert_eq!(roots[0].path.as_str(), format!("/{}/", roots[0].id));
}

#[tokio::test]
async fn a_list_goes_on_where_it_stopped() {
    let tree = Tree::new().await;
    tree.grow(&["a", "ab", "c", "d"]).await;
    let (service, mut after, mut found) = (&tree.world.service, None, Vec::new());
    loop {
        let page = service.organisations(&tree.owner, None, after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.path.clone());
        found.extend(page.into_iter().map(|organisation| organisation.code));
    }
    assert_eq!(found, ["root", "a", "ab", "c", "d"]);
}
