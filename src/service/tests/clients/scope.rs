//! Who sees a group and who may change it.

use drover_domain::{ClientGroupId, ClientVersionId};
use drover_service::{Operator, Page, ServiceError, Sort, VersionKey};

use super::world::{World, version};

fn is_unknown<T: std::fmt::Debug>(result: &Result<T, ServiceError>) -> bool {
    matches!(result, Err(ServiceError::NotFound { .. }))
}

fn is_forbidden<T: std::fmt::Debug>(result: &Result<T, ServiceError>) -> bool {
    matches!(result, Err(ServiceError::Forbidden { .. }))
}

/// Everything that changes a group.
async fn changes(
    world: &World,
    by: &Operator,
    id: ClientGroupId,
    of: ClientVersionId,
) -> [Result<(), ServiceError>; 3] {
    let service = world.service();
    let code = i32::try_from(of.0).unwrap() + i32::try_from(by.organisation.id.0).unwrap();
    [
        service.rename_client_group(by, id, Some("new")).await,
        service.set_client_qr(by, id, of).await,
        service.add_client_version(by, id, &version(code)).await,
    ]
}

#[tokio::test]
async fn the_catalogue_flows_down_and_is_changed_by_whose_it_is() {
    let world = World::new().await;
    let mut groups = Vec::new();
    for (by, code) in
        [(&world.root, "root"), (&world.branch, "branch"), (&world.twig, "twig"), (&world.sibling, "sibling")]
    {
        let id = world.group(by, code).await;
        groups.push((code, id, world.version(by, id, 1).await));
    }
    // Who, what is seen, what of it may be changed.
    let cases: [(&Operator, &[&str], &[&str]); 6] = [
        (&world.root, &["branch", "root", "sibling", "twig"], &["branch", "root", "sibling", "twig"]),
        (&world.branch, &["branch", "root", "twig"], &["branch", "twig"]),
        (&world.twig, &["branch", "root", "twig"], &["twig"]),
        (&world.sibling, &["root", "sibling"], &["sibling"]),
        (&world.reader, &["branch", "root", "twig"], &[]),
        (&world.stranger, &[], &[]),
    ];
    for (by, seen, own) in cases {
        assert_eq!(world.codes(by).await, seen);
        for &(code, id, of) in &groups {
            let who = format!("{} on {code}", by.organisation.path);
            let sort = Sort { key: VersionKey::Id, descending: true };
            let page = Page::new(1, 10).unwrap();
            let group = world.service().client_group(by, id).await.map(|_| ());
            let one = world.service().client_version(by, of).await.map(|_| ());
            let listed = world.service().client_versions(by, id, sort, page).await.map(|_| ());
            for found in [group, one, listed] {
                assert!(if seen.contains(&code) { found.is_ok() } else { is_unknown(&found) }, "{who}");
            }
            for changed in changes(&world, by, id, of).await {
                let as_expected = if own.contains(&code) {
                    changed.is_ok()
                } else if seen.contains(&code) || !by.role.may_write() {
                    is_forbidden(&changed)
                } else {
                    is_unknown(&changed)
                };
                assert!(as_expected, "{who}");
            }
        }
    }
}

#[tokio::test]
async fn what_there_is_not_is_unknown_to_everybody() {
    let world = World::new().await;
    assert!(is_unknown(&world.service().client_group(&world.root, ClientGroupId(404)).await));
    assert!(is_unknown(&world.service().client_version(&world.root, ClientVersionId(404)).await));
    let [renamed, qr, added] = changes(&world, &world.root, ClientGroupId(404), ClientVersionId(404)).await;
    assert!(is_unknown(&renamed) && is_unknown(&qr) && is_unknown(&added));
}
