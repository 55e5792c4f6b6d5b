use proptest::{prelude::*, sample::select};

use super::*;

const NOW_MS: i64 = 1_000;

/// Few values of everything, so that what matters coincides often.
fn path() -> impl Strategy<Value = OrganisationPath> {
    select(vec!["/1/", "/1/2/", "/1/2/4/", "/1/3/", "/1/23/"]).prop_map(|text| OrganisationPath::parse(text).unwrap())
}

fn publication() -> impl Strategy<Value = Publication> {
    let end = select(vec![None, Some(NOW_MS - 1), Some(NOW_MS), Some(NOW_MS + 1)]);
    (path(), end).prop_map(|(organisation, expires_at_ms)| Publication { organisation, expires_at_ms })
}

fn candidate() -> impl Strategy<Value = Candidate> {
    let program = (0_i64..3, select(vec![Os::Android, Os::Ios]), select(TerminalClass::ALL.to_vec()));
    let labels = select(vec!["", "COPE", "COPE,BYOD"]).prop_map(|text| UiFamily::parse(text).unwrap());
    let package = select(vec!["a", "b"]).prop_map(str::to_owned);
    let published = prop::collection::vec(publication(), 0..3);
    (program, labels, package, 1_i32..6, any::<bool>(), 0_i64..3, published).prop_map(
        |((group, os, terminal_class), ui_family, package, version_code, is_void, updated_at_us, publications)| {
            let (version, group) = (ClientVersionId(0), ClientGroupId(group));
            Candidate {
                version,
                group,
                os,
                terminal_class,
                ui_family,
                package,
                version_code,
                is_void,
                updated_at_us,
                publications,
            }
        },
    )
}

fn catalogue() -> impl Strategy<Value = Vec<Candidate>> {
    prop::collection::vec(candidate(), 0..12).prop_map(|mut candidates| {
        for (id, candidate) in (1..).zip(&mut candidates) {
            candidate.version = ClientVersionId(id);
        }
        candidates
    })
}

fn asker() -> impl Strategy<Value = Asker> {
    path().prop_map(|path| Asker { organisation: Some(path), now_ms: NOW_MS })
}

fn ids(offered: &[&Candidate]) -> Vec<ClientVersionId> {
    offered.iter().map(|candidate| candidate.version).collect()
}

const GROUP: ClientGroupId = ClientGroupId(0);
const QUERY: PackageQuery<'_> = PackageQuery { os: Os::Android, package: "a", label: None, installed_code: 1 };

proptest! {
    #[test]
    fn what_is_offered_is_published_here_now_not_void_and_newer(
        candidates in catalogue(), asker in asker(), installed in 0_i32..6,
    ) {
        let offered = of_group(&candidates, &asker, GROUP, installed);
        for candidate in &candidates {
            let path = asker.organisation.as_ref().unwrap().as_str();
            let reaches = candidate.publications.iter().any(|part| {
                path.starts_with(part.organisation.as_str()) && part.expires_at_ms.is_none_or(|end| end > NOW_MS)
            });
            let expected =
                candidate.group == GROUP && reaches && !candidate.is_void && candidate.version_code > installed;
            prop_assert_eq!(offered.contains(&candidate), expected, "{:?}", candidate);
        }
        prop_assert!(offered.is_sorted_by(|one, next| one.version_code >= next.version_code));
    }

    #[test]
    fn the_old_check_answers_the_newest_that_fits(
        candidates in catalogue(), asker in asker(), label in select(vec![None, Some("COPE"), Some("BYOD")]),
    ) {
        let query = PackageQuery { label, ..QUERY };
        let fits = |candidate: &&Candidate| {
            candidate.os == query.os && candidate.package == query.package
                && label.is_none_or(|label| candidate.ui_family.to_string().split(',').any(|known| known == label))
        };
        let all = candidates.iter().filter(fits);
        let newest = all.filter(|one| of_group(&candidates, &asker, one.group, QUERY.installed_code).contains(one))
            .map(|one| one.version_code).max();
        let chosen = of_package(&candidates, &asker, &query);
        prop_assert_eq!(chosen.map(|one| one.version_code), newest);
        prop_assert!(chosen.iter().all(fits));
    }

    #[test]
    fn cancelling_a_publication_offers_nothing_more_and_publishing_takes_nothing_away(
        candidates in catalogue(), asker in asker(), which in any::<prop::sample::Index>(), more in publication(),
    ) {
        prop_assume!(!candidates.is_empty());
        let which = which.index(candidates.len());
        let before = ids(&of_group(&candidates, &asker, GROUP, 0));
        let mut fewer = candidates.clone();
        fewer[which].publications.pop();
        prop_assert!(ids(&of_group(&fewer, &asker, GROUP, 0)).iter().all(|id| before.contains(id)));
        let mut published = candidates;
        published[which].publications.push(more);
        let after = ids(&of_group(&published, &asker, GROUP, 0));
        prop_assert!(before.iter().all(|id| after.contains(id)));
    }

    #[test]
    fn below_an_organisation_everything_of_it_is_offered(candidates in catalogue(), parent in path(), child in 5_i64..9) {
        let at = |path: &str| Asker { organisation: OrganisationPath::parse(path), now_ms: NOW_MS };
        let child = at(&format!("{parent}{child}/"));
        let (parent, all) = (at(parent.as_str()), of_group);
        let below = ids(&all(&candidates, &child, GROUP, 0));
        prop_assert_eq!(ids(&all(&candidates, &parent, GROUP, 0)), below);
    }

    #[test]
    fn a_device_of_no_organisation_is_offered_nothing(candidates in catalogue()) {
        let asker = Asker { organisation: None, now_ms: NOW_MS };
        prop_assert_eq!(of_group(&candidates, &asker, GROUP, 0), Vec::<&Candidate>::new());
        prop_assert_eq!(of_package(&candidates, &asker, &QUERY), None);
        prop_assert_eq!(extended_group(&candidates, &asker, Os::Android), None);
    }

    #[test]
    fn the_extended_program_is_the_one_with_the_latest_upload(candidates in catalogue(), asker in asker()) {
        let extended = |one: &&Candidate| {
            one.os == Os::Ios && one.terminal_class == TerminalClass::Extended
                && of_group(&candidates, &asker, one.group, 0).contains(one)
        };
        let latest = candidates.iter().filter(extended).map(|one| one.updated_at_us).max();
        let chosen = extended_group(&candidates, &asker, Os::Ios);
        prop_assert_eq!(chosen.is_some(), latest.is_some());
        if let Some(group) = chosen {
            prop_assert!(candidates.iter().filter(extended).any(|one| one.group == group && Some(one.updated_at_us) == latest));
        }
    }
}
