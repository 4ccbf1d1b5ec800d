use atalaya_kernel::{ids::PasskeyId, secrets::ShownOnce, text_enum, time::Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// What a challenge is for.
    pub(super) enum Purpose {
        /// To make a passkey.
        Registration = "registration",
        /// To enter without a password.
        Entry = "entry",
        /// To follow a password.
        SecondFactor = "second_factor",
        /// To show again who is there.
        StepUp = "step_up",
    }
}

/// A passkey of the caller.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct Passkey {
    /// Which.
    pub id: PasskeyId,
    /// What its user calls it.
    #[schema(example = "Teléfono de Rosa")]
    pub name: String,
    /// Host name that it is for.
    #[schema(example = "isp.example")]
    pub host: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// A passkey to be kept.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    /// What its user calls it.
    #[schema(example = "Teléfono de Rosa")]
    pub name: String,
    /// What `navigator.credentials.create` gave.
    pub credential: Credential,
}

/// A passkey that is kept now.
#[derive(Debug, Serialize, ToSchema)]
pub struct PasskeyMade {
    /// The passkey.
    pub passkey: Passkey,
    /// Codes for whoever loses it, shown this once; none for somebody who has some already.
    #[schema(value_type = Vec<String>, example = json!(["MZXW-6YTB-OI2D-GNBV"]))]
    pub recovery_codes: Vec<ShownOnce>,
}

/// A credential that was made, as browsers give it (`RegistrationResponseJSON`); what is not named here is not read.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// Its id, base64url.
    pub raw_id: String,
    /// What the authenticator said.
    pub response: CredentialResponse,
}

/// What an authenticator said when it made a credential.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialResponse {
    /// What the browser signed for, base64url.
    #[serde(rename = "clientDataJSON")]
    pub client_data: String,
    /// The key and how it was made, base64url.
    pub attestation_object: String,
}

/// An assertion, as browsers give it (`AuthenticationResponseJSON`); what is not named here is not read.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PasskeyAnswer {
    /// Id of the credential, base64url.
    pub raw_id: String,
    /// What the authenticator signed.
    pub response: AssertionResponse,
}

/// What an authenticator signed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssertionResponse {
    /// What the browser says of the ceremony, base64url.
    #[serde(rename = "clientDataJSON")]
    pub client_data: String,
    /// What the authenticator says of it, base64url.
    pub authenticator_data: String,
    /// Over both, base64url.
    pub signature: String,
    /// Whose credential it is, base64url, where the authenticator knows.
    pub user_handle: Option<String>,
}

/// For whom a credential is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RelyingParty {
    /// The host name.
    #[schema(example = "isp.example")]
    pub id: String,
    /// The ISP.
    #[schema(example = "NetAndina")]
    pub name: String,
}

/// Whose credential is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The user's id, base64url.
    #[schema(example = "dXNyXzAxamQzazVtN25m")]
    pub id: String,
    /// E-mail.
    #[schema(example = "rosa@netandina.example")]
    pub name: String,
    /// Name.
    #[schema(example = "Rosa Quispe")]
    pub display_name: String,
}

/// A kind of key that is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct KeyKind {
    /// `public-key`.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "public-key")]
    pub kind: &'static str,
    /// Number of the algorithm (COSE).
    #[schema(example = -7)]
    pub alg: i64,
}

/// A credential that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Descriptor {
    /// `public-key`.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "public-key")]
    pub kind: &'static str,
    /// Its id, base64url.
    #[schema(example = "Zmljb25hbC1wYXNza2V5")]
    pub id: String,
}

/// How an authenticator is chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Selection {
    /// Whether the authenticator is to know whose it is, so that it can be entered with alone: `preferred`.
    #[schema(value_type = String, example = "preferred")]
    pub resident_key: &'static str,
    /// Whether the authenticator is to verify who is there: `preferred`.
    #[schema(value_type = String, example = "preferred")]
    pub user_verification: &'static str,
}

/// For `navigator.credentials.create` (`PublicKeyCredentialCreationOptionsJSON`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RegistrationOptions {
    /// To be signed, base64url; good once, for five minutes.
    #[schema(example = "c2FtcGxlLWNoYWxsZW5nZS0yMDI2", value_type = String)]
    pub challenge: ShownOnce,
    /// For whom.
    pub rp: RelyingParty,
    /// Whose.
    pub user: Holder,
    /// Kinds of keys, the most wanted first.
    pub pub_key_cred_params: Vec<KeyKind>,
    /// Milliseconds until it is too late.
    pub timeout: i64,
    /// What the user has already.
    pub exclude_credentials: Vec<Descriptor>,
    /// How the authenticator is chosen.
    pub authenticator_selection: Selection,
    /// `none`.
    #[schema(value_type = String, example = "none")]
    pub attestation: &'static str,
}

/// For `navigator.credentials.get` (`PublicKeyCredentialRequestOptionsJSON`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssertionOptions {
    /// To be signed, base64url; good once, for five minutes.
    #[schema(example = "c2FtcGxlLWNoYWxsZW5nZS0yMDI2", value_type = String)]
    pub challenge: ShownOnce,
    /// Milliseconds until it is too late.
    pub timeout: i64,
    /// The host name.
    #[schema(example = "isp.example")]
    pub rp_id: String,
    /// What may sign; empty: whatever the authenticator has for this host.
    pub allow_credentials: Vec<Descriptor>,
    /// `required` where it is the only proof, else `preferred`.
    #[schema(value_type = String, example = "required")]
    pub user_verification: &'static str,
}
