use atalaya_kernel::{
    Error,
    ids::{CustomerId, SiteId},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct Customer {
    /// Which.
    pub id: CustomerId,
    /// Name.
    #[schema(example = "Quispe Mamani, Rosa")]
    pub name: String,
    /// Identity document as the country writes it.
    #[schema(example = "45678912")]
    pub document: Option<String>,
    /// Phone.
    #[schema(example = "+51 999 000 111")]
    pub phone: Option<String>,
    /// E-mail.
    #[schema(example = "rosa@example.net")]
    pub email: Option<String>,
    /// Where the service is.
    #[schema(example = "Jr. Los Andes 412")]
    pub address: Option<String>,
    /// What the staff should know.
    #[schema(example = "Llamar después de las 18 h")]
    pub notes: Option<String>,
    /// Site of the customer's services.
    pub site_id: Option<SiteId>,
    /// Grows with each change.
    pub version: i64,
    /// When made.
    pub created_at: Timestamp,
    /// When last changed.
    pub updated_at: Timestamp,
    /// When everything personal was taken out; the id stands for the name since.
    pub erased_at: Option<Timestamp>,
}

impl Customer {
    /// Demands that the data of this customer was not taken out: with somebody who is only a number nothing new is begun.
    ///
    /// # Errors
    /// [`Error::Conflict`] `customer_erased`.
    pub fn demand_not_erased(&self) -> Result<(), Error> {
        if self.erased_at.is_none() {
            return Ok(());
        }
        Err(Error::conflict("customer_erased", "the data of this customer was erased: make a new customer"))
    }
}

/// A customer to be made.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomer {
    /// Name.
    #[schema(example = "Quispe Mamani, Rosa")]
    pub name: String,
    /// Identity document.
    pub document: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// Where the service is.
    pub address: Option<String>,
    /// What the staff should know.
    pub notes: Option<String>,
}

/// What to change; absent fields stay, an empty text empties the field.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerChange {
    /// Name.
    pub name: Option<String>,
    /// Identity document.
    pub document: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// Where the service is.
    pub address: Option<String>,
    /// What the staff should know.
    pub notes: Option<String>,
}
