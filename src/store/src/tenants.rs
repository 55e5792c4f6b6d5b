//! Tenants and their products.

use drover_domain::{ProductId, Protocol, TenantId};

use crate::{
    GenericClient, Product, StoreError,
    rows::{self, product_columns},
    sql,
};

/// Adds a tenant. A name that is taken is a unique violation.
pub async fn insert_tenant(client: &impl GenericClient, name: &str) -> Result<TenantId, StoreError> {
    const SQL: &str = "/* tenants::insert_tenant */ INSERT INTO tenants (name) VALUES ($1) RETURNING id";
    Ok(TenantId(sql::query_one(client, SQL, &[&name]).await?.get(0)))
}

/// The tenant of that name.
pub async fn tenant_by_name(client: &impl GenericClient, name: &str) -> Result<Option<TenantId>, StoreError> {
    const SQL: &str = "/* tenants::tenant_by_name */ SELECT id FROM tenants WHERE name = $1";
    Ok(sql::query_opt(client, SQL, &[&name]).await?.map(|row| TenantId(row.get(0))))
}

/// Adds a product. A name that the tenant has already is a unique violation.
pub async fn insert_product(
    client: &impl GenericClient,
    tenant: TenantId,
    name: &str,
    protocol: Protocol,
    master_key_sha256: &[u8],
) -> Result<ProductId, StoreError> {
    const SQL: &str =
        "/* tenants::insert_product */ INSERT INTO products (tenant_id, name, protocol, master_key_sha256)
        VALUES ($1, $2, $3, $4) RETURNING id";
    let row = sql::query_one(client, SQL, &[&tenant.0, &name, &protocol.as_str(), &master_key_sha256]).await?;
    Ok(ProductId(row.get(0)))
}

/// A product, whoever owns it, and the hash of its master key.
pub async fn product(client: &impl GenericClient, id: ProductId) -> Result<Option<(Product, Vec<u8>)>, StoreError> {
    const SQL: &str = concat!(
        "/* tenants::product */ SELECT ",
        product_columns!(),
        ", p.master_key_sha256 FROM products p WHERE p.id = $1"
    );
    match sql::query_opt(client, SQL, &[&id.0]).await? {
        Some(row) => Ok(Some((rows::product(&row)?, row.get("master_key_sha256")))),
        None => Ok(None),
    }
}

/// A tenant's product by name.
pub async fn product_by_name(
    client: &impl GenericClient,
    tenant: TenantId,
    name: &str,
) -> Result<Option<Product>, StoreError> {
    const SQL: &str = concat!(
        "/* tenants::product_by_name */ SELECT ",
        product_columns!(),
        " FROM products p WHERE p.tenant_id = $1 AND p.name = $2"
    );
    sql::query_opt(client, SQL, &[&tenant.0, &name]).await?.as_ref().map(rows::product).transpose()
}
