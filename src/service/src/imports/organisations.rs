//! Files of organisations, each row as if it were alone: a parent comes before those below it, or is there already.

use std::collections::HashMap;

use drover_store::people::organisations;

use super::{Import, Row};
use crate::{
    Organisation, ServiceError,
    people::organisations::{DEPTH_MAX, check_code, check_name, depth_below},
};

/// The columns; the first names an organisation.
pub(super) const COLUMNS: &[&str] = &["code", "name", "parent"];

/// The organisations that some rows name, by code: of the whole tenant, so that a code is known to be taken before it is
/// tried.
type Known = HashMap<String, Organisation>;

impl Import<'_> {
    /// Writes some organisations. What is written although something was wrong before is never committed: those below it
    /// must find it.
    pub(super) async fn organisations(&mut self, rows: &[Row]) -> Result<(), ServiceError> {
        organisations::lock_tree(&self.tx, self.caller.tenant).await?;
        let mut known = self.known(rows).await?;
        for row in rows {
            if self.organisation(row, &mut known).await? {
                known = self.known(rows).await?;
            }
        }
        self.count.lines += rows.len() as u64;
        Ok(())
    }

    async fn known(&self, rows: &[Row]) -> Result<Known, ServiceError> {
        let tenant = self.caller.tenant;
        let Some(root) = organisations::root(&self.tx, tenant).await? else { return Ok(Known::new()) };
        let named = rows.iter().flat_map(|row| [Some(row.key()), row.filled("parent")]);
        let codes: Vec<String> = named.flatten().map(str::to_owned).collect();
        let found = organisations::by_codes(&self.tx, tenant, &root.path, &codes).await?;
        Ok(found.into_iter().map(|found| (found.code.clone(), found)).collect())
    }

    /// Writes one organisation. Returns whether others stand elsewhere now.
    async fn organisation(&mut self, row: &Row, known: &mut Known) -> Result<bool, ServiceError> {
        let (code, name) = (row.key(), row.get("name"));
        let is_known = known.contains_key(code);
        let checked = check_code(code).and_then(|()| match name {
            Some(name) => check_name(name),
            None if is_known => Ok(()),
            None => Err(ServiceError::invalid("name", "is needed for a new organisation")),
        });
        if let Err(error) = checked {
            self.faults.refuse(row.line, error)?;
            return Ok(false);
        }
        let reached = |found: &&Organisation| self.caller.reaches(&found.path);
        let named = row.filled("parent");
        let parent = named.and_then(|parent| known.get(parent).filter(reached)).cloned();
        if let (Some(named), None) = (named, &parent) {
            self.faults.note(row.line, "parent", format!("there is no organisation {named}"));
            return Ok(false);
        }
        match known.get(code).cloned() {
            None => {
                let parent = parent.unwrap_or_else(|| self.caller.organisation.clone());
                if parent.path.ids().count() >= DEPTH_MAX {
                    self.faults.note(row.line, "parent", format!("a tree has at most {DEPTH_MAX} levels"));
                    return Ok(false);
                }
                let added = organisations::insert(&self.tx, &parent, code, name.unwrap_or(code)).await?;
                self.count.added += 1;
                known.insert(code.to_owned(), added);
                Ok(false)
            }
            Some(found) if !self.caller.reaches(&found.path) => {
                self.faults.note(row.line, "code", "is taken by an organisation outside of yours");
                Ok(false)
            }
            Some(found) => {
                if let Some(name) = name.filter(|name| *name != found.name) {
                    organisations::rename(&self.tx, found.id, name).await?;
                }
                match parent {
                    Some(parent) if found.parent != Some(parent.id) => self.relocate(row, &found, &parent).await,
                    _ => Ok(false),
                }
            }
        }
    }

    async fn relocate(&mut self, row: &Row, top: &Organisation, parent: &Organisation) -> Result<bool, ServiceError> {
        if top.path.contains(&parent.path) {
            self.faults.note(row.line, "parent", "is the organisation itself or stands below it");
        } else if depth_below(&self.tx, top, parent).await? > DEPTH_MAX {
            self.faults.note(row.line, "parent", format!("a tree has at most {DEPTH_MAX} levels"));
        } else {
            organisations::relocate(&self.tx, top, parent).await?;
            return Ok(true);
        }
        Ok(false)
    }
}
