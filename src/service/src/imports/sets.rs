//! Files of groups and labels: a row for each member. Nobody is taken away.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use drover_domain::UserId;
use drover_store::people::{set_imports, set_imports::SaidSet};

use super::{Import, Row};
use crate::{ServiceError, UserSetKind, people::user_sets::check_set};

/// The columns; the first names a set.
pub(super) const COLUMNS: &[&str] = &["name", "description", "organisation", "member"];

impl Import<'_> {
    /// Writes some members, and the sets that they are in.
    pub(super) async fn sets(&mut self, kind: UserSetKind, rows: &[Row]) -> Result<(), ServiceError> {
        self.find_organisations(rows).await?;
        for row in rows {
            if let Err(error) = check_set(Some(row.key()), row.filled("description")) {
                self.faults.refuse(row.line, error)?;
            }
        }
        let users = self.find_members(rows).await?;
        self.count.lines += rows.len() as u64;
        if !self.faults.0.is_empty() {
            return Ok(());
        }
        let said = self.said(rows);
        let sets: Vec<&SaidSet> = said.values().collect();
        let caller = self.caller;
        let own = caller.organisation.id;
        let added = set_imports::add_missing(&self.tx, kind, caller.tenant, own, &sets).await?;
        let names: Vec<&str> = said.keys().copied().collect();
        let ids = set_imports::lock(&self.tx, kind, &caller.scope(), &names).await?;
        let ids: HashMap<String, i64> = ids.into_iter().collect();
        let out_of_reach = rows.iter().filter(|row| !ids.contains_key(row.key()));
        for row in out_of_reach {
            self.faults.note(
                row.line,
                "name",
                format!("is the name of a {} outside of your organisation", kind.word()),
            );
        }
        if !self.faults.0.is_empty() {
            return Ok(());
        }
        let locked: Vec<(i64, &SaidSet)> = sets.iter().filter_map(|set| Some((*ids.get(&set.name)?, *set))).collect();
        set_imports::update(&self.tx, kind, &locked).await?;
        let member = |row: &Row| Some((*ids.get(row.key())?, *users.get(row.filled("member")?)?));
        let members: BTreeSet<(i64, UserId)> = rows.iter().filter_map(member).collect();
        let members: Vec<(i64, UserId)> = members.into_iter().collect();
        let joined = set_imports::add_members(&self.tx, kind, &members).await?;

        // What comes twice is new the first time.
        let mut added: HashSet<String> = added.into_iter().collect();
        let mut joined: HashSet<(i64, UserId)> = joined.into_iter().collect();
        for row in rows {
            let has_joined = member(row).is_some_and(|member| joined.remove(&member));
            self.count.added += u64::from(added.remove(row.key()) || has_joined);
        }
        Ok(())
    }

    /// What rows say of each set: what is said last, since an empty value says nothing.
    fn said<'r>(&self, rows: &'r [Row]) -> BTreeMap<&'r str, SaidSet> {
        let mut said = BTreeMap::new();
        for row in rows {
            let name = row.key();
            let set = said.entry(name).or_insert_with(|| SaidSet {
                name: name.to_owned(),
                description: None,
                organisation: None,
            });
            if let Some(description) = row.filled("description") {
                set.description = Some(description.to_owned());
            }
            if row.filled("organisation").is_some() {
                set.organisation = Some(self.organisation_of(row));
            }
        }
        said
    }

    /// Looks up the members that rows name, and notes those that are not there.
    async fn find_members(&mut self, rows: &[Row]) -> Result<HashMap<String, UserId>, ServiceError> {
        let accounts: BTreeSet<&str> = rows.iter().filter_map(|row| row.filled("member")).collect();
        let accounts: Vec<&str> = accounts.into_iter().collect();
        let found = set_imports::reached(&self.tx, &self.caller.scope(), &accounts).await?;
        let found: HashMap<String, UserId> = found.into_iter().collect();
        for row in rows {
            if let Some(account) = row.filled("member").filter(|account| !found.contains_key(*account)) {
                self.faults.note(row.line, "member", format!("there is no user {account}"));
            }
        }
        Ok(found)
    }
}
