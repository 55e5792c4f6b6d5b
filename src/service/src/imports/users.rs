//! Files of users.

use drover_store::people::{users, users::UserColumns};

use super::{Import, Row, last_of_each};
use crate::{ServiceError, UserValues, people::users::check_user};

/// The columns; the first names a user.
pub(super) const COLUMNS: &[&str] = &["account", "name", "mail", "phone", "organisation"];

impl Import<'_> {
    /// Writes some users.
    pub(super) async fn users(&mut self, rows: &[Row]) -> Result<(), ServiceError> {
        self.find_organisations(rows).await?;
        for row in rows {
            if let Err(error) = check_user(&values(row)) {
                self.faults.refuse(row.line, error)?;
            }
        }
        self.count.lines += rows.len() as u64;
        // An empty organisation is none that is said: the user stays where it is.
        let (placed, unplaced): (Vec<&Row>, Vec<&Row>) =
            last_of_each(rows).into_iter().partition(|row| row.filled("organisation").is_some());
        for rows in [placed, unplaced] {
            let Some(first) = rows.first().filter(|_| self.faults.0.is_empty()) else { continue };
            let columns = UserColumns {
                organisation: first.filled("organisation").is_some(),
                name: first.get("name").is_some(),
                mail: first.get("mail").is_some(),
                phone: first.get("phone").is_some(),
            };
            let users: Vec<_> = rows.iter().map(|row| (self.organisation_of(row), values(row))).collect();
            let written = users::upsert(&self.tx, &self.caller.scope(), columns, &users).await;
            let written = written.map_err(ServiceError::of_naming)?;
            self.settle(&rows, &written, "is the account of a user outside of your organisation");
        }
        Ok(())
    }
}

fn values(row: &Row) -> UserValues {
    UserValues {
        account: row.key().to_owned(),
        name: row.text("name"),
        mail: row.text("mail"),
        phone: row.text("phone"),
    }
}
