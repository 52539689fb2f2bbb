//! The Proxmox clusters that this server reads.

use sdk_proxmox::Product;
use secrecy::{ExposeSecret, SecretString};
use sqlx::sqlite::SqliteConnection;
use sqlx::{FromRow, Row};

use super::seal::Place;
use super::{SecretChange, Store, StoreError};

const TABLE: &str = "proxmox_endpoints";

/// A Proxmox endpoint without its credentials.
#[derive(Debug, Clone, PartialEq, serde::Serialize, FromRow, utoipa::ToSchema)]
pub struct ProxmoxEndpoint {
    /// Number of the endpoint; never used again.
    pub id: i64,
    /// Unique name; the plugin's ends in ` (nb:<its own id>)`.
    pub name: String,
    /// Used when there is no domain.
    pub ip_address: String,
    /// Host name; an empty one counts as none.
    pub domain: Option<String>,
    /// TCP port.
    pub port: u16,
    /// `user@realm`
    pub username: String,
    /// Whether the certificate must be valid.
    pub verify_ssl: bool,
    /// Whether runs may use it.
    pub enabled: bool,
    /// Whether anything may be changed there.
    pub allow_writes: bool,
    /// `api` or `api_ssh`
    pub access_methods: String,
    /// Limit for one request, in seconds.
    pub timeout: Option<i64>,
    /// Repetitions of a failed idempotent request.
    pub max_retries: Option<i64>,
    /// Pause before a repetition, in seconds.
    pub retry_backoff: Option<f64>,
    /// NetBox id of the site of its nodes.
    pub site_id: Option<i64>,
    /// Slug of that site.
    pub site_slug: Option<String>,
    /// Name of that site.
    pub site_name: Option<String>,
    /// NetBox id of the tenant of its objects.
    pub tenant_id: Option<i64>,
    /// Slug of that tenant.
    pub tenant_slug: Option<String>,
    /// Name of that tenant.
    pub tenant_name: Option<String>,
    /// Name of the API token, with or without the user.
    #[serde(skip)]
    pub token_name: Option<String>,
    /// Whether the secret of the API token is stored.
    #[serde(skip)]
    pub has_token: bool,
    /// Whether a password is stored.
    #[serde(skip)]
    pub has_password: bool,
    /// Whether commands may be run inside of its guests.
    pub allow_guest_commands: bool,
    /// Whether commands may be run in a shell of its nodes, which containers are reached through.
    pub allow_node_shell: bool,
    /// Which product answers there.
    #[serde(skip)]
    #[schema(ignore)]
    #[sqlx(try_from = "String")]
    pub product: StoredProduct,
    /// Counts the changes of the row.
    #[serde(skip)]
    pub revision: i64,
}

/// A product as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredProduct(pub Product);

impl StoredProduct {
    const fn text(self) -> &'static str {
        match self.0 {
            Product::Pve => "pve",
            Product::Pbs => "pbs",
            Product::Pdm => "pdm",
        }
    }
}

impl From<String> for StoredProduct {
    fn from(text: String) -> Self {
        Self(match text.as_str() {
            "pbs" => Product::Pbs,
            "pdm" => Product::Pdm,
            // The table's rule admits no other.
            _ => Product::Pve,
        })
    }
}

/// Credentials of a Proxmox endpoint.
#[derive(Debug)]
pub struct ProxmoxSecrets {
    /// Secret of the API token.
    pub token_value: Option<SecretString>,
    /// Password of the user.
    pub password: Option<SecretString>,
}

impl Store {
    /// All endpoints of a product in the order in which they were added.
    pub async fn endpoints_of(&self, product: Product) -> Result<Vec<ProxmoxEndpoint>, StoreError> {
        let sql = "SELECT *, token_value IS NOT NULL AS has_token,
                   password IS NOT NULL AS has_password FROM proxmox_endpoints
                   WHERE product = ? ORDER BY id";
        let product = StoredProduct(product).text();
        Ok(sqlx::query_as(sql).bind(product).fetch_all(&self.readers).await?)
    }

    /// All Proxmox VE clusters in the order in which they were added.
    pub async fn proxmox_endpoints(&self) -> Result<Vec<ProxmoxEndpoint>, StoreError> {
        self.endpoints_of(Product::Pve).await
    }

    /// One endpoint of a product.
    pub async fn endpoint_of(
        &self,
        product: Product,
        id: i64,
    ) -> Result<Option<ProxmoxEndpoint>, StoreError> {
        let sql = "SELECT *, token_value IS NOT NULL AS has_token,
                   password IS NOT NULL AS has_password FROM proxmox_endpoints
                   WHERE product = ? AND id = ?";
        let row = sqlx::query_as(sql).bind(StoredProduct(product).text()).bind(id);
        Ok(row.fetch_optional(&self.readers).await?)
    }

    /// Its credentials, opened.
    pub async fn proxmox_secrets(&self, id: i64) -> Result<ProxmoxSecrets, StoreError> {
        match self.open_proxmox_secrets(id).await {
            // The keys may have been rotated between row and key.
            Err(StoreError::Unreadable { .. }) => self.open_proxmox_secrets(id).await,
            opened => opened,
        }
    }

    async fn open_proxmox_secrets(&self, id: i64) -> Result<ProxmoxSecrets, StoreError> {
        let sql = "SELECT token_value, password FROM proxmox_endpoints WHERE id = ?";
        let row = sqlx::query(sql).bind(id).fetch_one(&self.readers).await?;
        let open = |column: &'static str| {
            let sealed: Option<Vec<u8>> = row.try_get(column)?;
            let place = Place { table: TABLE, row: id, column };
            sealed.map(|sealed| self.ring()?.open(place, &sealed)).transpose()
        };
        Ok(ProxmoxSecrets { token_value: open("token_value")?, password: open("password")? })
    }

    /// Stores another endpoint and answers its id; that of `endpoint` is ignored.
    pub async fn add_proxmox_endpoint(
        &self,
        endpoint: &ProxmoxEndpoint,
        token_value: SecretChange,
        password: SecretChange,
    ) -> Result<i64, StoreError> {
        let sql = "INSERT INTO proxmox_endpoints
                   (name, ip_address, domain, port, username, verify_ssl, enabled, allow_writes,
                    access_methods, timeout, max_retries, retry_backoff, site_id, site_slug,
                    site_name, tenant_id, tenant_slug, tenant_name, token_name,
                    allow_guest_commands, allow_node_shell, product)
                   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let mut transaction = self.begin().await?;
        let added = bind(sql, endpoint).bind(endpoint.product.text());
        let added = added.execute(&mut *transaction).await;
        // The row must have its number before anything can be sealed for it.
        let id = added.map_err(|error| named(error, endpoint))?.last_insert_rowid();
        self.change_proxmox_secrets(&mut transaction, id, token_value, password).await?;
        transaction.commit().await?;
        self.changed();
        Ok(id)
    }

    /// Changes the endpoint with the id of `endpoint`. What is as it was is no change: nobody's clients or
    /// streams end with it.
    pub async fn update_proxmox_endpoint(
        &self,
        endpoint: &ProxmoxEndpoint,
        token_value: SecretChange,
        password: SecretChange,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE proxmox_endpoints SET name = ?, ip_address = ?, domain = ?, port = ?,
                   username = ?, verify_ssl = ?, enabled = ?, allow_writes = ?,
                   access_methods = ?, timeout = ?, max_retries = ?, retry_backoff = ?,
                   site_id = ?, site_slug = ?, site_name = ?, tenant_id = ?, tenant_slug = ?,
                   tenant_name = ?, token_name = ?, allow_guest_commands = ?, allow_node_shell = ?,
                   revision = revision + 1 WHERE id = ?";
        let mut transaction = self.begin().await?;
        if self.is_as_stored(&mut transaction, endpoint, &token_value, &password).await? {
            return Ok(());
        }
        let updated = bind(sql, endpoint).bind(endpoint.id).execute(&mut *transaction).await;
        updated.map_err(|error| named(error, endpoint))?;
        self.change_proxmox_secrets(&mut transaction, endpoint.id, token_value, password).await?;
        transaction.commit().await?;
        self.changed();
        Ok(())
    }

    async fn is_as_stored(
        &self,
        connection: &mut SqliteConnection,
        endpoint: &ProxmoxEndpoint,
        token_value: &SecretChange,
        password: &SecretChange,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT *, token_value IS NOT NULL AS has_token,
                   password IS NOT NULL AS has_password FROM proxmox_endpoints WHERE id = ?";
        let row: Option<ProxmoxEndpoint> =
            sqlx::query_as(sql).bind(endpoint.id).fetch_optional(&mut *connection).await?;
        if row.as_ref() != Some(endpoint) {
            return Ok(false);
        }
        let sql = "SELECT token_value, password FROM proxmox_endpoints WHERE id = ?";
        let row = sqlx::query(sql).bind(endpoint.id).fetch_one(&mut *connection).await?;
        let ring = self.ring()?;
        let mut same = true;
        for (column, change) in [("token_value", token_value), ("password", password)] {
            let sealed: Option<Vec<u8>> = row.try_get(column)?;
            let place = Place { table: TABLE, row: endpoint.id, column };
            // One that does not open is replaced.
            let stored = sealed.map(|sealed| ring.open(place, &sealed).ok());
            same &= match (change, &stored) {
                (SecretChange::Keep, _) | (SecretChange::Clear, None) => true,
                (SecretChange::Set(new), Some(Some(old))) => {
                    new.expose_secret() == old.expose_secret()
                }
                _ => false,
            };
        }
        Ok(same)
    }

    /// Deletes an endpoint of a product with its credentials; false when there is none with this id.
    pub async fn delete_endpoint(&self, product: Product, id: i64) -> Result<bool, StoreError> {
        let sql = "DELETE FROM proxmox_endpoints WHERE product = ? AND id = ?";
        let deleted = sqlx::query(sql).bind(StoredProduct(product).text()).bind(id);
        let deleted = deleted.execute(&self.writer).await?.rows_affected();
        self.changed();
        Ok(deleted > 0)
    }

    async fn change_proxmox_secrets(
        &self,
        connection: &mut SqliteConnection,
        row: i64,
        token_value: SecretChange,
        password: SecretChange,
    ) -> Result<(), StoreError> {
        let place = Place { table: TABLE, row, column: "token_value" };
        if let Some(value) = self.sealed(place, token_value)? {
            let sql = "UPDATE proxmox_endpoints SET token_value = ? WHERE id = ?";
            sqlx::query(sql).bind(value).bind(row).execute(&mut *connection).await?;
        }
        let place = Place { table: TABLE, row, column: "password" };
        if let Some(value) = self.sealed(place, password)? {
            let sql = "UPDATE proxmox_endpoints SET password = ? WHERE id = ?";
            sqlx::query(sql).bind(value).bind(row).execute(&mut *connection).await?;
        }
        Ok(())
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind<'q>(sql: &'static str, endpoint: &'q ProxmoxEndpoint) -> Query<'q> {
    sqlx::query(sql)
        .bind(&endpoint.name)
        .bind(&endpoint.ip_address)
        .bind(&endpoint.domain)
        .bind(endpoint.port)
        .bind(&endpoint.username)
        .bind(endpoint.verify_ssl)
        .bind(endpoint.enabled)
        .bind(endpoint.allow_writes)
        .bind(&endpoint.access_methods)
        .bind(endpoint.timeout)
        .bind(endpoint.max_retries)
        .bind(endpoint.retry_backoff)
        .bind(endpoint.site_id)
        .bind(&endpoint.site_slug)
        .bind(&endpoint.site_name)
        .bind(endpoint.tenant_id)
        .bind(&endpoint.tenant_slug)
        .bind(&endpoint.tenant_name)
        .bind(&endpoint.token_name)
        .bind(endpoint.allow_guest_commands)
        .bind(endpoint.allow_node_shell)
}

fn named(error: sqlx::Error, endpoint: &ProxmoxEndpoint) -> StoreError {
    match error.as_database_error() {
        Some(refused) if refused.is_unique_violation() => {
            StoreError::DuplicateName(endpoint.name.clone())
        }
        _ => error.into(),
    }
}
