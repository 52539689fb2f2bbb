//! The one NetBox that this server writes to.

use secrecy::SecretString;
use sqlx::sqlite::SqliteConnection;
use sqlx::{FromRow, Row};

use super::seal::Place;
use super::{SecretChange, Store, StoreError};

const TABLE: &str = "netbox_endpoint";

/// Which kind of API token NetBox gave out.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    serde::Serialize,
    serde::Deserialize,
    sqlx::Type,
    utoipa::ToSchema,
)]
#[serde(rename_all = "lowercase")]
#[sqlx(rename_all = "lowercase")]
pub enum TokenVersion {
    /// Forty characters, the whole token is secret.
    #[default]
    V1,
    /// A key that is no secret, and a secret.
    V2,
}

/// The NetBox endpoint without its credentials.
#[derive(Debug, Clone, PartialEq, serde::Serialize, FromRow, utoipa::ToSchema)]
pub struct NetboxEndpoint {
    /// Always 1.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// Used when there is no domain.
    pub ip_address: String,
    /// Host name; an empty one counts as none.
    pub domain: Option<String>,
    /// TCP port.
    pub port: u16,
    /// Kind of the token.
    pub token_version: TokenVersion,
    /// Whether the certificate must be valid.
    pub verify_ssl: bool,
    /// Whether runs may use it.
    pub enabled: bool,
}

/// Credentials of the NetBox endpoint.
#[derive(Debug)]
pub struct NetboxSecrets {
    /// The key half of a version 2 token.
    pub token_key: Option<SecretString>,
    /// The token, or its secret half.
    pub token: Option<SecretString>,
}

impl Store {
    /// The NetBox endpoint, if one is set.
    pub async fn netbox_endpoint(&self) -> Result<Option<NetboxEndpoint>, StoreError> {
        let sql = "SELECT id, name, ip_address, domain, port, token_version, verify_ssl, enabled
                   FROM netbox_endpoint";
        Ok(sqlx::query_as(sql).fetch_optional(&self.readers).await?)
    }

    /// Its credentials, opened.
    pub async fn netbox_secrets(&self) -> Result<NetboxSecrets, StoreError> {
        match self.open_netbox_secrets().await {
            // The keys may have been rotated between row and key.
            Err(StoreError::Unreadable { .. }) => self.open_netbox_secrets().await,
            opened => opened,
        }
    }

    async fn open_netbox_secrets(&self) -> Result<NetboxSecrets, StoreError> {
        let sql = "SELECT token_key, token FROM netbox_endpoint";
        let row = sqlx::query(sql).fetch_one(&self.readers).await?;
        let open = |column: &'static str| {
            let sealed: Option<Vec<u8>> = row.try_get(column)?;
            let place = Place { table: TABLE, row: 1, column };
            sealed.map(|sealed| self.ring()?.open(place, &sealed)).transpose()
        };
        Ok(NetboxSecrets { token_key: open("token_key")?, token: open("token")? })
    }

    /// Stores the endpoint where there is none yet.
    pub async fn add_netbox_endpoint(
        &self,
        endpoint: &NetboxEndpoint,
        token_key: SecretChange,
        token: SecretChange,
    ) -> Result<(), StoreError> {
        let sql = "INSERT OR IGNORE INTO netbox_endpoint
                   (id, name, ip_address, domain, port, token_version, verify_ssl, enabled)
                   VALUES (1, ?, ?, ?, ?, ?, ?, ?)";
        let mut transaction = self.begin().await?;
        let added = bind(sql, endpoint).execute(&mut *transaction).await?.rows_affected();
        if added == 0 {
            return Err(StoreError::SecondNetbox);
        }
        self.change_netbox_secrets(&mut transaction, token_key, token).await?;
        Ok(transaction.commit().await?)
    }

    /// Changes the endpoint that is there.
    pub async fn update_netbox_endpoint(
        &self,
        endpoint: &NetboxEndpoint,
        token_key: SecretChange,
        token: SecretChange,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE netbox_endpoint SET name = ?, ip_address = ?, domain = ?, port = ?,
                   token_version = ?, verify_ssl = ?, enabled = ?";
        let mut transaction = self.begin().await?;
        bind(sql, endpoint).execute(&mut *transaction).await?;
        self.change_netbox_secrets(&mut transaction, token_key, token).await?;
        Ok(transaction.commit().await?)
    }

    /// Deletes the endpoint with its credentials; false when there is none.
    pub async fn delete_netbox_endpoint(&self) -> Result<bool, StoreError> {
        let deleted = sqlx::query("DELETE FROM netbox_endpoint").execute(&self.writer).await?;
        Ok(deleted.rows_affected() > 0)
    }

    async fn change_netbox_secrets(
        &self,
        connection: &mut SqliteConnection,
        token_key: SecretChange,
        token: SecretChange,
    ) -> Result<(), StoreError> {
        let sealed = self.sealed(Place { table: TABLE, row: 1, column: "token_key" }, token_key)?;
        if let Some(value) = sealed {
            let sql = "UPDATE netbox_endpoint SET token_key = ?";
            sqlx::query(sql).bind(value).execute(&mut *connection).await?;
        }
        let sealed = self.sealed(Place { table: TABLE, row: 1, column: "token" }, token)?;
        if let Some(value) = sealed {
            let sql = "UPDATE netbox_endpoint SET token = ?";
            sqlx::query(sql).bind(value).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// What a change puts into its column: nothing to do, or bytes, or NULL.
    pub(super) fn sealed(
        &self,
        place: Place,
        change: SecretChange,
    ) -> Result<Option<Option<Vec<u8>>>, StoreError> {
        match change {
            SecretChange::Keep => Ok(None),
            SecretChange::Clear => Ok(Some(None)),
            SecretChange::Set(secret) => Ok(Some(Some(self.ring()?.seal(place, &secret)?))),
        }
    }
}

type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>;

fn bind<'q>(sql: &'static str, endpoint: &'q NetboxEndpoint) -> Query<'q> {
    sqlx::query(sql)
        .bind(&endpoint.name)
        .bind(&endpoint.ip_address)
        .bind(&endpoint.domain)
        .bind(endpoint.port)
        .bind(endpoint.token_version)
        .bind(endpoint.verify_ssl)
        .bind(endpoint.enabled)
}
