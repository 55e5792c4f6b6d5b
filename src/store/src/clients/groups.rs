//! Client programs.
//!
//! A tenant has tens of them, rarely thousands, so lists read all of a tenant's by the index on its codes, and sort those.

use drover_domain::{ClientGroupId, ClientVersionId, OrganisationId, OrganisationPath, Os, TenantId, TerminalClass};

use super::{
    ClientGroup, Sort,
    rows::{self, group_columns, groups},
};
use crate::{GenericClient, Page, Paged, StoreError, Tx, sql};

/// A client program to be made.
#[derive(Debug, Clone)]
pub struct NewGroup<'a> {
    /// Whose.
    pub tenant: TenantId,
    /// Who administers it.
    pub organisation: OrganisationId,
    /// Its display name.
    pub name: &'a str,
    /// What devices name it by.
    pub group_code: &'a str,
    /// Which terminals it is for.
    pub terminal_class: TerminalClass,
    /// Its labels, with commas between them.
    pub ui_family: &'a str,
    /// What it runs on.
    pub os: Os,
    /// The part of its QR code's address that nobody guesses.
    pub download_key: &'a str,
    /// Who makes it.
    pub created_by: &'a str,
}

/// The unique constraint that a taken code violates.
pub const CODE_TAKEN: &str = "client_groups_tenant_id_group_code_key";

/// Makes a group. A code that the tenant has already is a violation of [`CODE_TAKEN`].
pub async fn insert(tx: &Tx<'_>, new: &NewGroup<'_>) -> Result<ClientGroupId, StoreError> {
    const SQL: &str =
        "/* clients::groups::insert */ INSERT INTO client_groups (tenant_id, organisation_id, name, group_code,
            terminal_class, ui_family, os, download_key, created_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id";
    let NewGroup { tenant, organisation, name, group_code, terminal_class, ui_family, os, download_key, created_by } =
        new;
    let (class, os) = (terminal_class.as_str(), os.code());
    let row = sql::query_one(
        tx,
        SQL,
        &[&tenant.0, &organisation.0, name, group_code, &class, ui_family, &os, download_key, created_by],
    )
    .await?;
    Ok(ClientGroupId(row.get(0)))
}

/// A tenant's group.
pub async fn get(
    client: &impl GenericClient,
    tenant: TenantId,
    id: ClientGroupId,
) -> Result<Option<ClientGroup>, StoreError> {
    const SQL: &str = concat!(
        "/* clients::groups::get */ SELECT ",
        group_columns!(),
        groups!(),
        "WHERE g.id = $1 AND g.tenant_id = $2"
    );
    sql::query_opt(client, SQL, &[&id.0, &tenant.0]).await?.as_ref().map(rows::group).transpose()
}

/// A tenant's group, which nobody else changes or adds a version to before the transaction ends.
pub async fn lock(tx: &Tx<'_>, tenant: TenantId, id: ClientGroupId) -> Result<Option<ClientGroup>, StoreError> {
    const SQL: &str = concat!(
        "/* clients::groups::lock */ SELECT ",
        group_columns!(),
        groups!(),
        "WHERE g.id = $1 AND g.tenant_id = $2 FOR NO KEY UPDATE OF g"
    );
    sql::query_opt(tx, SQL, &[&id.0, &tenant.0]).await?.as_ref().map(rows::group).transpose()
}

/// A tenant's group by its code.
pub async fn by_code(
    client: &impl GenericClient,
    tenant: TenantId,
    group_code: &str,
) -> Result<Option<ClientGroup>, StoreError> {
    const SQL: &str = concat!(
        "/* clients::groups::by_code */ SELECT ",
        group_columns!(),
        groups!(),
        "WHERE g.tenant_id = $1 AND g.group_code = $2"
    );
    sql::query_opt(client, SQL, &[&tenant.0, &group_code]).await?.as_ref().map(rows::group).transpose()
}

/// Gives a group another name.
pub async fn rename(tx: &Tx<'_>, id: ClientGroupId, name: &str) -> Result<(), StoreError> {
    const SQL: &str =
        "/* clients::groups::rename */ UPDATE client_groups SET name = $2, updated_at = now() WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &name]).await?;
    Ok(())
}

/// Says what a group's QR code downloads.
pub async fn set_qr(tx: &Tx<'_>, id: ClientGroupId, version: ClientVersionId) -> Result<(), StoreError> {
    const SQL: &str =
        "/* clients::groups::set_qr */ UPDATE client_groups SET qr_version_id = $2, updated_at = now() WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &version.0]).await?;
    Ok(())
}

/// What a list of groups can be sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKey {
    /// Its id.
    Id,
    /// Its display name.
    Name,
    /// Its code.
    GroupCode,
    /// Which terminals it is for.
    TerminalClass,
    /// Its labels.
    UiFamily,
    /// What it runs on.
    Os,
    /// When it was made.
    CreatedAt,
    /// When it was changed last.
    UpdatedAt,
    /// What its QR code downloads; those without one before all others.
    QrVersion,
    /// The address of its QR code; those without one before all others.
    QrCode,
}

/// Which groups a list shows; fields that are absent do not narrow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupFilter {
    /// Part of its name, its code or its labels.
    pub search: Option<String>,
    /// Which terminals it is for.
    pub terminal_class: Option<TerminalClass>,
    /// What it runs on.
    pub os: Option<Os>,
    /// Only those with a QR code.
    pub with_qr: bool,
}

/// One page of a tenant's groups that belong to an organisation, to one above it or to one below it.
pub async fn page(
    client: &impl GenericClient,
    tenant: TenantId,
    seen_from: &OrganisationPath,
    filter: &GroupFilter,
    sort: Sort<GroupKey>,
    page: Page,
) -> Result<Paged<ClientGroup>, StoreError> {
    macro_rules! found {
        () => {
            concat!(
                groups!(),
                "WHERE g.tenant_id = $1 AND (starts_with(o.path, $2) OR starts_with($2, o.path))
                  AND ($3::text IS NULL OR strpos(lower(g.name), lower($3)) > 0
                    OR strpos(lower(g.group_code), lower($3)) > 0 OR strpos(lower(g.ui_family), lower($3)) > 0)
                  AND ($4::text IS NULL OR g.terminal_class = $4) AND ($5::integer IS NULL OR g.os = $5)
                  AND (NOT $6 OR q.id IS NOT NULL)"
            )
        };
    }
    macro_rules! sorted {
        ($($key:ident => $column:literal),+) => {
            match sort.key {
                $(GroupKey::$key if sort.descending => list!($column, " DESC, g.id DESC"),
                GroupKey::$key => list!($column, " ASC, g.id ASC"),)+
            }
        };
    }
    macro_rules! list {
        ($column:literal, $direction:literal) => {
            concat!(
                "/* clients::groups::page */ SELECT ",
                group_columns!(),
                found!(),
                " ORDER BY ",
                $column,
                $direction,
                " LIMIT $7 OFFSET $8"
            )
        };
    }
    const COUNT: &str =
        concat!("/* clients::groups::count */ SELECT count(*) FROM (SELECT", found!(), " LIMIT $7) counted");
    let list = sorted!(
        Id => "g.id", Name => "g.name", GroupCode => "g.group_code", TerminalClass => "g.terminal_class",
        UiFamily => "g.ui_family", Os => "g.os", CreatedAt => "g.created_at", UpdatedAt => "g.updated_at",
        QrVersion => "COALESCE(q.id, 0)", QrCode => "CASE WHEN q.id IS NULL THEN '' ELSE g.download_key END COLLATE \"C\""
    );
    let path = seen_from.as_str();
    let (class, os) = (filter.terminal_class.map(TerminalClass::as_str), filter.os.map(Os::code));
    let GroupFilter { search, with_qr, .. } = filter;
    let depth = i64::from(Page::MAX_DEPTH);
    let total = sql::query_one(client, COUNT, &[&tenant.0, &path, search, &class, &os, with_qr, &depth]).await?.get(0);
    let (limit, offset) = (page.limit(), page.offset());
    let found = sql::query(client, list, &[&tenant.0, &path, search, &class, &os, with_qr, &limit, &offset]).await?;
    Ok(Paged { page, total, items: found.iter().map(rows::group).collect::<Result<_, _>>()? })
}
